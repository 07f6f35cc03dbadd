/** [P] What `[run] image` and `[run] mounts` may say, as written and as filled in for one run. */
import { posix } from "node:path";

/** What a run has of its host's files inside its container. */
export interface Mount {
  /** On the host. */
  readonly host: string;
  /** In the container. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** A command that runs inside a container. */
export interface RenderedContainer {
  /** As the container engine names images. */
  readonly image: string;
  readonly mounts: readonly Mount[];
}

export interface ImageProblem {
  readonly problem: string;
  readonly hint: string;
}

const IMAGE_HINT = 'write it like "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime", or a path on the host';
const MOUNT_HINT = 'write it like "/data", "/data:/inside" or "/data:/inside:ro"';

/** Why this names no image; undefined where it may. An engine must take it for neither an option nor two words. */
export function imageProblem(image: string): ImageProblem | undefined {
  if (image.trim() === "") return { problem: "is empty", hint: "leave it out to run without a container" };
  if (image.startsWith("-")) return { problem: 'begins with "-"', hint: IMAGE_HINT };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  return /[\s\u0000-\u001f\u007f]/.test(image) ? { problem: "has white space in it", hint: IMAGE_HINT } : undefined;
}

/** What `HOST[:PATH[:ro]]` means. */
export function parseMount(text: string): Mount | ImageProblem {
  const [host = "", path = host, mode, ...more] = text.split(":");
  if (more.length > 0 || (mode !== undefined && mode !== "ro")) {
    return { problem: `is not HOST:PATH:ro, but ${JSON.stringify(text)}`, hint: MOUNT_HINT };
  }
  const relative = [host, path].find((part) => !isAbsolute(part));
  if (relative !== undefined)
    return { problem: `names ${JSON.stringify(relative)}, which is not absolute`, hint: MOUNT_HINT };
  const bad = [host, path].find((part) => !canBeMounted(part));
  if (bad !== undefined) {
    const hint = "container engines take no comma, quote, backslash or line break in a path";
    return { problem: `names ${JSON.stringify(bad)}, which cannot be mounted`, hint };
  }
  const inside = plainPath(path);
  if (inside === "/") return { problem: "would replace all of the image", hint: MOUNT_HINT };
  return { host: plainPath(host), path: inside, readOnly: mode === "ro" };
}

/** Two mounts at one place, of which only one could be seen. */
export function duplicateMount(mounts: readonly Mount[]): Mount | undefined {
  return mounts.find(({ path }, i) => mounts.slice(0, i).some((other) => other.path === path));
}

/** True for a path that every engine takes as it is in its options. */
export function canBeMounted(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  return !/[,:"\\\u0000-\u001f\u007f]/.test(path);
}

/** What only the host knows stands in angle brackets, and may well be absolute. */
function isAbsolute(path: string): boolean {
  return path.startsWith("/") || path.startsWith("<");
}

function plainPath(path: string): string {
  const plain = posix.normalize(path);
  return plain.length > 1 && plain.endsWith("/") ? plain.slice(0, -1) : plain;
}
