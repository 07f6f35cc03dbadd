/** [P] How a sweep comes to its points, as a sum of products: "(3 lr x 2 aug + 3 lr x 4 patch) x 3 seed". */
import { escapeControl } from "./text.ts";

/** Something that multiplies points, in the order of expansion. */
export interface ProductAxis {
  /** The parameters, joined by commas where they are walked together. */
  readonly key: string;
  readonly size: number;
  readonly step: string;
  /** Number of the variant that it belongs to; null: of the whole sweep. */
  readonly variant: number | null;
}

/** More variants than this are counted, not listed. */
const VARIANTS_SHOWN_MAX = 4;

/** Empty where nothing multiplies. */
export function productText(axes: readonly ProductAxis[]): string {
  const seeds = axes.filter(({ step }) => step === "seeds").map(factor);
  const runs = axes.filter(({ step }) => step === "runs").map(({ size }) => `${size} of [[runs]]`);
  const terms = [...combinations(axes), ...runs];
  const sum = terms.join(" + ");
  if (seeds.length === 0) return sum;
  return [terms.length > 1 ? `(${sum})` : sum, ...seeds].filter((part) => part !== "").join(" x ");
}

function combinations(axes: readonly ProductAxis[]): string[] {
  const variants = axes.find(({ step }) => step === "variants")?.size ?? 0;
  const own = axes.filter(({ step }) => step !== "variants" && step !== "runs" && step !== "seeds");
  if (variants === 0) return own.length === 0 ? [] : [own.map(factor).join(" x ")];
  const products = Array.from({ length: variants }, (_, i) =>
    own
      .filter(({ variant }) => variant === i + 1)
      .map(factor)
      .join(" x "),
  );
  if (products.every((product) => product === products[0])) {
    return [[`${variants} variants`, products[0] ?? ""].filter((part) => part !== "").join(" x ")];
  }
  if (variants > VARIANTS_SHOWN_MAX) return [`${variants} variants`];
  return products.map((product) => (product === "" ? "1" : product));
}

function factor({ key, size }: ProductAxis): string {
  return `${size} ${escapeControl(key.replaceAll(", ", "+"))}`;
}
