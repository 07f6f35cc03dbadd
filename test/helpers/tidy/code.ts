/** [P] House rules about what TypeScript files hold: purity, the process's homes, names, size, first lines. */
import { importsOf } from "./imports.ts";
import { blankOut, isIn, isOwnTypeScript, type SourceFile, type Violation, violationsOf } from "./source.ts";

export const LINES_SOFT = 250;
export const LINES_HARD = 400;

/** Parts without I/O, clock, randomness and async; what makes times and ids is handed to the others. */
const PURE = [
  "shared/kernel/",
  "shared/run/",
  "shared/expression/",
  "shared/sampling/",
  "shared/spec/",
  "shared/compat/",
  "shared/convert/",
  "coordinator/reuse/",
  "coordinator/core/",
  "shared/capture/",
  "agent/core/",
  "agent/capture/parse/",
  "cli/render/",
];
const NOT_PURE = ["shared/kernel/clock.ts", "shared/kernel/ids.ts"];
/** Computing only. */
const PURE_MODULES = /^node:(crypto|util|assert|path)$/;
const IMPURE_CODE =
  /\b(Date\.now|new Date\(\s*\)|Math\.random|randomUUID|randomBytes|performance\.now|hrtime|setTimeout|setInterval|setImmediate|queueMicrotask|async\b|await\b|fetch\(|process\.(?:argv|cwd|env|exit|memoryUsage|nextTick|on|once|std\w+|uptime)\b|console\.)/g;

/** Where a process may look at its environment, end itself, and take signals. */
const PROCESS_HOME = /(^|\/)([a-z]+-main|main|config|lifecycle)\.ts$|^(test|bench|scripts)\/|^vitest\.config\.ts$/;
const PROCESS_CODE = /\bprocess\.(env|exit)\b|\bprocess\.(?:on|once|addListener)\(\s*"(?:SIG|uncaught|unhandled|exit)/g;

function own(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => isOwnTypeScript(file.path));
}

export function checkPurity(files: readonly SourceFile[]): Violation[] {
  return own(files)
    .filter((file) => isIn(file.path, PURE) && !isIn(file.path, NOT_PURE))
    .flatMap((file) => [
      ...violationsOf(
        file,
        blankOut(file.text),
        IMPURE_CODE,
        (found) => `${found.trim()} in a pure part: take the value as an argument, or do this in the shell around it.`,
      ),
      ...importsOf(file.text)
        .filter(({ specifier }) => specifier.startsWith("node:") && !PURE_MODULES.test(specifier))
        .map(({ specifier, line }) => ({
          path: file.path,
          line,
          message: `${specifier} in a pure part: do the I/O in the shell around it and pass the result in.`,
        })),
    ]);
}

/** The page shows what strangers wrote: it becomes text, never markup and never code. */
export function checkInertPage(files: readonly SourceFile[]): Violation[] {
  const markup =
    /\b(dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b/g;
  return own(files)
    .filter((file) => isIn(file.path, ["dashboard/app/"]))
    .flatMap((file) => violationsOf(file, blankOut(file.text), markup, (found) => `${found}: set text instead.`));
}

export function checkProcessHomes(files: readonly SourceFile[]): Violation[] {
  return own(files)
    .filter((file) => !PROCESS_HOME.test(file.path))
    .flatMap((file) => {
      // Comments are blanked; strings are kept, because the name of a signal is one.
      const code = file.text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, (found) => found.replace(/[^\n]/g, " "));
      return violationsOf(
        file,
        code,
        PROCESS_CODE,
        () => "process.env, process.exit and signals belong to main.ts, config.ts and lifecycle.ts: pass the value in.",
      );
    });
}

export function checkExports(files: readonly SourceFile[]): Violation[] {
  return own(files).flatMap((file) => {
    const code = blankOut(file.text);
    const violations =
      file.path === "vitest.config.ts"
        ? []
        : violationsOf(file, code, /^\s*export\s+default\b/gm, () => "default export: export it by name.");
    const statements = code.replace(/^\s*export\s+(type\s+)?(\*(\s+as\s+\w+)?|\{[^}]*\})\s*from\s*;?/gm, "").trim();
    if (file.path.endsWith("/index.ts") || (statements === "" && code.trim() !== "")) {
      violations.push({ path: file.path, message: "a barrel: import each thing from the file that makes it." });
    }
    return violations;
  });
}

export function checkNames(files: readonly SourceFile[]): Violation[] {
  return own(files).flatMap((file): Violation[] => {
    const name = file.path.split("/").at(-1) ?? "";
    if (/^(utils?|helpers?|misc|common|manager|service)\.tsx?$/.test(name)) {
      return [{ path: file.path, message: "the name says nothing: name the file for the one thing it does." }];
    }
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config|\.d)?\.tsx?$/.test(name)) {
      return [{ path: file.path, message: "file names are kebab-case." }];
    }
    return [];
  });
}

/** Files above the hard limit. */
export function checkSize(files: readonly SourceFile[]): Violation[] {
  return longFiles(files, LINES_HARD).map(({ path, message }) => ({
    path,
    message: `${message}, at most ${LINES_HARD}: split it by the reasons it has to change.`,
  }));
}

/** Files above the limit, with how long they are. */
export function longFiles(files: readonly SourceFile[], limit: number): Violation[] {
  return files
    .filter((file) => isOwnTypeScript(file.path) || /\.(sh|py)$/.test(file.path))
    .flatMap((file) => {
      const lines = file.text.split("\n").length - 1;
      return lines > limit ? [{ path: file.path, message: `${lines} lines` }] : [];
    });
}

/** Every file says first what it is for; a test by its name and its cases, a .proto at each message. */
export function checkPurpose(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file): Violation[] => {
    const [, extension = ""] = /(?<!\.test)\.(ts|sh|py|toml|ya?ml)$/.exec(file.path) ?? [];
    if (extension === "" || file.path.startsWith("proto/gen/") || file.text.trim() === "") return [];
    const start = file.text.replace(/^#!.*\n/, "").trimStart();
    const comment = extension === "ts" ? /^\/[/*]/ : extension === "py" ? /^(#|r?""")/ : /^#/;
    if (comment.test(start)) return [];
    return [{ path: file.path, message: "starts without a comment: say in a line or two what it is for." }];
  });
}

export function checkTestSwitches(files: readonly SourceFile[]): Violation[] {
  return own(files)
    .filter((file) => file.path.startsWith("test/"))
    .flatMap((file) =>
      violationsOf(
        file,
        blankOut(file.text),
        /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(only|skip|todo|fails)\b/g,
        (found) => `.${found}: a test runs or is deleted; mend what it shows.`,
      ),
    );
}

export function checkGenerated(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => file.path.startsWith("proto/gen/"))
    .filter((file) => !/^\/\/ Code generated by .*\. DO NOT EDIT\.\n/.test(file.text))
    .map((file) => ({ path: file.path, message: "lacks the generator's header: run 'npm run gen', never edit it." }));
}
