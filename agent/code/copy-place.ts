/**
 * Where a command starts that runs from a copy of its code: what it has below the root of the code, it has in the copy.
 * Programs and input files that are not part of the code, such as a virtual environment that git ignores, stay where they are.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RenderedCommand } from "../../shared/spec/template.ts";

/** `copy`: directory that the code was laid out in. Makes the command's directory, as git keeps no empty ones. */
export function placeInCopy(command: RenderedCommand, root: string, copy: string): RenderedCommand {
  const { cwd: before, stdin, interpreter } = command;
  const cwd = before === root ? copy : before.startsWith(`${root}/`) ? join(copy, before.slice(root.length)) : before;
  if (cwd !== before) mkdirSync(cwd, { recursive: true, mode: 0o700 });
  // As the file means it: in the copy, unless it is only where the code lies.
  const placed = (path: string) => {
    const original = resolve(before, path);
    return !existsSync(resolve(cwd, path)) && existsSync(original) ? original : path;
  };
  const isPath = interpreter !== undefined && (interpreter.kind === "venv" || interpreter.path.includes("/"));
  return {
    ...command,
    cwd,
    ...(stdin !== undefined && { stdin: placed(stdin) }),
    ...(isPath && { interpreter: { ...interpreter, path: placed(interpreter.path) } }),
  };
}
