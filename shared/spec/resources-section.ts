/** `[resources]`: what a run asks for. A value may be an expression over the point; the rest is the same for a whole block. */
import { namesOf } from "../expression/names.ts";
import { GPU_WHOLE_MILLI, type ResourceRequest } from "../run/devices.ts";
import { parseGpuText } from "../run/gpu-model.ts";
import { DEVICES_PER_RUN_MAX } from "../run/limits.ts";
import { nodeNameProblem } from "../run/node-names.ts";
import { type CheckedExpression, readExpression } from "./checked-expression.ts";
import { childOf, itemsOf, kindOf, type SpecNode, type Written } from "./node.ts";
import { addFinding, excerpt, type Report, readText, valueSpan, wrongType, wrongValue } from "./report.ts";
import { SECTION_KEYS } from "./sweep-keys.ts";
import { readTable } from "./table-reader.ts";

/** Other requests that one may name. */
const ALTERNATIVES_MAX = 8;
/** 0.29 * 1000 is a little less than 290. */
const ROUNDING = 1e-9;

/** The request; of use only when the report stays empty. Computed values must have been put in their places. */
export function readResources(report: Report, node: SpecNode | undefined, label: string): ResourceRequest {
  const first = readRequest(report, node, label, false);
  const alternatives = node && childOf(node, "alternatives");
  if (!alternatives) return first;
  const at = `${label}.alternatives`;
  if (kindOf(alternatives.raw) !== "list") {
    wrongType(report, alternatives, at, "a list of tables");
    return first;
  }
  const items = itemsOf(alternatives);
  if (items.length > ALTERNATIVES_MAX)
    wrongValue(report, alternatives, `${at} has more than ${ALTERNATIVES_MAX} requests`);
  if (items.length === 0) wrongValue(report, alternatives, `${at} is empty`, "leave it out");
  const requests = items.slice(0, ALTERNATIVES_MAX).map((item, i) => readRequest(report, item, `${at}[${i}]`, true));
  return { ...first, alternatives: requests };
}

function readRequest(
  report: Report,
  node: SpecNode | undefined,
  label: string,
  isAlternative: boolean,
): ResourceRequest {
  const { alternatives, ...keys } = SECTION_KEYS.resources;
  const table = readTable(report, node, label, isAlternative ? keys : { ...keys, alternatives });
  const gpu = table.gpu && readGpuText(report, table.gpu, `${label}.gpu`);
  const count = node && childOf(node, "gpus");
  const memory = node && childOf(node, "gpu_memory");
  if (gpu?.count !== undefined && count) {
    wrongValue(report, count, `${label}.gpu names the number of GPUs too`, "keep one of them");
  }
  if (gpu?.memoryBytes !== undefined && memory) {
    wrongValue(report, memory, `${label}.gpu names the memory of GPUs too`, "keep one of them");
  }
  const gpus = table.gpus ?? gpu?.count;
  const share = node && childOf(node, "gpu_share");
  if (gpus === 0 && (gpu || memory || share)) {
    wrongValue(
      report,
      count ?? node ?? { raw: 0, at: table.gpu?.at as Written },
      `${label} asks for ${gpu || memory ? "a kind of GPU" : "a part of a GPU"} and for none`,
    );
  }
  const where = table.where && readNodeCondition(report, table.where, `${label}.where`);
  const gpuMemoryBytes = table.gpu_memory ?? gpu?.memoryBytes;
  return {
    gpus,
    cpus: table.cpus,
    ...(gpu && gpu.models.length > 0 && { gpuModels: gpu.models }),
    ...(gpuMemoryBytes !== undefined && { gpuMemoryBytes }),
    ...(gpu?.memoryMaxBytes !== undefined && { gpuMemoryMaxBytes: gpu.memoryMaxBytes }),
    // Rounded down: three thirds fit on one GPU.
    ...(table.gpu_share !== undefined && { gpuMilli: Math.floor(table.gpu_share * GPU_WHOLE_MILLI + ROUNDING) }),
    ...(table.memory !== undefined && { memoryBytes: table.memory }),
    ...(table.disk !== undefined && { diskBytes: table.disk }),
    ...(where && { where: where.expression.text }),
    ...(table.exclusive && { exclusive: true }),
    ...(table.nodes !== undefined && table.nodes > 1 && { nodes: table.nodes }),
  };
}

function readGpuText(
  report: Report,
  node: SpecNode,
  label: string,
): Exclude<ReturnType<typeof parseGpuText>, { problem: string }> | undefined {
  const hint = 'write it like "A100|H100", "A100:80GB" or "24GB..40GB:2"';
  const text = readText(report, node, label, hint);
  if (text === undefined) return undefined;
  const gpu = parseGpuText(text);
  if ("problem" in gpu) return wrongValue(report, node, `${label} ${gpu.problem}`, hint);
  if ((gpu.count ?? 1) <= DEVICES_PER_RUN_MAX) return gpu;
  return wrongValue(report, node, `${label} asks for ${excerpt(text)}; the limit is ${DEVICES_PER_RUN_MAX} GPUs`);
}

/** Only what is said of the node: a condition over parameters belongs into an expression over them. */
function readNodeCondition(report: Report, node: SpecNode, label: string): CheckedExpression | undefined {
  const checked = readExpression(report, node, label);
  const other = checked && namesOf(checked.expression).find((name) => nodeNameProblem(name) !== undefined);
  if (other === undefined) return checked;
  const isNode = other.startsWith("node.");
  const message = isNode
    ? `${label}: ${nodeNameProblem(other)}`
    : `${label} is asked of nodes, and "${other}" is nothing of a node`;
  const hint = "names begin with node., such as node.name or node.labels.zone";
  addFinding(report, { id: "expression.name", message, span: valueSpan(node), hint });
  return undefined;
}
