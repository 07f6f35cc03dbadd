/** `image` and `mounts` of `[run]`: the container of a run. */
import { duplicateMount, type ImageProblem, imageProblem, type Mount, parseMount } from "./image.ts";
import { childOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { parsePlaceholders } from "./placeholders.ts";
import { addFinding, keySpan, type Report, readText, wrongValue } from "./report.ts";
import { checkTemplate, readTemplate } from "./template-reader.ts";
import type { RunTemplate } from "./types.ts";

const MOUNTS_MAX = 100;

/** `names`: every parameter of the sweep. */
export function readContainer(
  report: Report,
  run: SpecNode | undefined,
  names: ReadonlySet<string>,
): Pick<RunTemplate, "image" | "mounts"> {
  const imageNode = run && childOf(run, "image");
  const mountsNode = run && childOf(run, "mounts");
  if (mountsNode && !imageNode) {
    const message = "run.mounts is of no use without run.image";
    const hint = "say which image, or leave it out: without one a run sees all of the host";
    addFinding(report, { id: "spec.value", message, span: keySpan(mountsNode), hint });
  }
  const image = readTemplate(report, imageNode, "run.image", "plain", names);
  const literal = image === undefined ? undefined : literalOf(image, "x");
  const wrong = literal === undefined ? undefined : imageProblem(literal);
  if (imageNode && wrong) wrongValue(report, imageNode, `run.image ${wrong.problem}`, wrong.hint);
  const mounts = readMounts(report, mountsNode, names);
  return { ...(image !== undefined && { image }), ...(mounts.length > 0 && { mounts }) };
}

function readMounts(report: Report, node: SpecNode | undefined, names: ReadonlySet<string>): readonly string[] {
  if (!node) return [];
  const hint = 'write it like mounts = ["/data", "/scratch/cache:/cache:ro"]';
  const isList = kindOf(node.raw) === "list";
  const items = isList ? itemsOf(node).slice(0, MOUNTS_MAX + 1) : [node];
  if (items.length > MOUNTS_MAX) wrongValue(report, node, `run.mounts has more than ${MOUNTS_MAX} entries`);
  const known: Mount[] = [];
  return items.map((item, i) => {
    const label = isList ? `run.mounts[${i}]` : "run.mounts";
    const text = readText(report, item, label, hint) ?? "";
    checkTemplate(report, item, text, "plain", names);
    const wrong = typeof item.raw === "string" ? mountProblem(text, known) : undefined;
    if (wrong) wrongValue(report, item, `${label} ${wrong.problem}`, wrong.hint);
    return text;
  });
}

/** What can be told before its placeholders have values. */
function mountProblem(text: string, known: Mount[]): ImageProblem | undefined {
  const literal = literalOf(text);
  const mount = literal === undefined ? undefined : parseMount(literal);
  if (!mount || "problem" in mount) return mount;
  known.push(mount);
  const twice = duplicateMount(known) === undefined ? undefined : mount.path;
  if (twice === undefined) return undefined;
  known.pop();
  return { problem: `is at ${JSON.stringify(twice)}, where another one is`, hint: "mount it elsewhere: HOST:PATH" };
}

/** The text with `filled` in place of each placeholder; undefined where it has some and nothing to fill in. */
function literalOf(template: string, filled?: string): string | undefined {
  const parts = parsePlaceholders(template).map((part) => (part.kind === "literal" ? part.text : filled));
  return parts.every((part) => part !== undefined) ? parts.join("") : undefined;
}
