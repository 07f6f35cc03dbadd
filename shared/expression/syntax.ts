/** The tree of an expression. Plain immutable data; each node knows where it is written. */
import type { Value } from "./value.ts";

interface At {
  /** Offsets into the text in UTF-16 units, the end excluded. */
  readonly start: number;
  readonly end: number;
}

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "is" | "is not";

/** A value as written, or a list of such. */
export interface LiteralNode extends At {
  readonly kind: "literal";
  readonly value: Value;
}

/**
 * `optim.lr`, `optim["lr"]`, `metrics["val/acc"]`: members by a constant name join the name. `paths` holds the ways to
 * take it, the longest first: as one name, or as a shorter one with members.
 */
export interface NameNode extends At {
  readonly kind: "name";
  /** All parts joined by dots. */
  readonly name: string;
  readonly paths: readonly NamePath[];
}

export interface NamePath {
  readonly name: string;
  readonly members: readonly string[];
}

export interface ListNode extends At {
  readonly kind: "list";
  readonly items: readonly Node[];
}

/** `object[index]`; a member by name of what is no name itself is one with a literal index. */
export interface IndexNode extends At {
  readonly kind: "index";
  readonly object: Node;
  readonly index: Node;
}

export interface UnaryNode extends At {
  readonly kind: "unary";
  readonly operator: "-" | "+" | "not";
  readonly operand: Node;
}

export interface ArithmeticNode extends At {
  readonly kind: "arithmetic";
  readonly operator: ArithmeticOperator;
  readonly left: Node;
  readonly right: Node;
}

/** `a < b <= c`: each neighbouring pair is compared, and each operand evaluated at most once. */
export interface ComparisonNode extends At {
  readonly kind: "comparison";
  readonly first: Node;
  readonly rest: readonly { readonly operator: ComparisonOperator; readonly operand: Node }[];
}

export interface LogicNode extends At {
  readonly kind: "and" | "or";
  readonly left: Node;
  readonly right: Node;
}

/** `yes if condition else no` */
export interface ConditionalNode extends At {
  readonly kind: "conditional";
  readonly condition: Node;
  readonly yes: Node;
  readonly no: Node;
}

/** `defined(name)` */
export interface DefinedNode extends At {
  readonly kind: "defined";
  readonly target: NameNode;
}

export interface CallNode extends At {
  readonly kind: "call";
  readonly callee: FunctionName;
  readonly args: readonly Node[];
}

export type Node =
  | LiteralNode
  | NameNode
  | ListNode
  | IndexNode
  | UnaryNode
  | ArithmeticNode
  | ComparisonNode
  | LogicNode
  | ConditionalNode
  | DefinedNode
  | CallNode;

/** Functions and how many arguments they take. `defined` is no function: it does not evaluate what it is asked about. */
export const FUNCTION_ARGUMENTS = {
  abs: [1, 1],
  all: [1, 1],
  any: [1, 1],
  bool: [0, 1],
  ceil: [1, 1],
  endswith: [2, 2],
  exp: [1, 1],
  float: [0, 1],
  floor: [1, 1],
  glob: [2, 2],
  int: [0, 1],
  isinf: [1, 1],
  isnan: [1, 1],
  len: [1, 1],
  log: [1, 2],
  log10: [1, 1],
  log2: [1, 1],
  max: [1, Number.POSITIVE_INFINITY],
  min: [1, Number.POSITIVE_INFINITY],
  round: [1, 2],
  sqrt: [1, 1],
  startswith: [2, 2],
  str: [0, 1],
  sum: [1, 2],
} as const satisfies { readonly [name: string]: readonly [min: number, max: number] };

export type FunctionName = keyof typeof FUNCTION_ARGUMENTS;

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTION_ARGUMENTS, name);
}
