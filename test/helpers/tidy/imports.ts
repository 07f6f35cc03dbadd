/** [P] Who may import whom: the directions between the parts, the home of each library, no cycles. */
import { posix } from "node:path";
import { isIn, isOwnTypeScript, lineOf, type SourceFile, type Violation } from "./source.ts";

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly isTypeOnly: boolean;
}

const KERNEL = "shared/kernel/";
const PURE_SHARED = [
  KERNEL,
  "shared/run/",
  "shared/expression/",
  "shared/sampling/",
  "shared/spec/",
  "shared/compat/",
  "shared/stats/",
  "shared/capture/",
  "shared/subjects.ts",
];
const COORDINATOR_GROUND = [
  "coordinator/reuse/",
  "coordinator/core/",
  "coordinator/store/",
  "coordinator/engine.ts",
  "coordinator/feed.ts",
];
const AGENT_GROUND = ["agent/core/", "agent/engine.ts", "agent/journal.ts"];

/**
 * Each part and what it may import besides itself; the first entry that holds a file counts. Parts on one level (rpc,
 * stream, http ...) stand apart: what two of them need is passed in by the wiring.
 */
const DIRECTIONS: readonly (readonly [part: readonly string[], mayImport: readonly string[]])[] = [
  [["proto/gen/"], []],
  [[KERNEL], []],
  [["shared/run/"], PURE_SHARED],
  [["shared/spec/"], PURE_SHARED],
  [["shared/expression/"], PURE_SHARED],
  [["shared/sampling/"], PURE_SHARED],
  [["shared/compat/"], PURE_SHARED],
  [["shared/capture/"], PURE_SHARED],
  [["shared/stats/"], PURE_SHARED],
  [["shared/convert/"], [...PURE_SHARED, "shared/convert/"]],
  [["shared/wire/"], [...PURE_SHARED, "proto/gen/"]],
  [["shared/"], [...PURE_SHARED, "shared/"]],

  [["coordinator/reuse/"], PURE_SHARED],
  [["coordinator/core/"], [...PURE_SHARED, "coordinator/reuse/"]],
  [["coordinator/store/"], ["shared/", "coordinator/core/", "coordinator/reuse/"]],
  [["coordinator/feed.ts"], ["shared/", "coordinator/core/"]],
  [["coordinator/engine.ts"], ["shared/", ...COORDINATOR_GROUND]],
  [["coordinator/results/"], ["shared/", ...COORDINATOR_GROUND]],
  [
    ["coordinator/rpc/"],
    ["shared/", "proto/gen/", ...COORDINATOR_GROUND, "coordinator/results/", "coordinator/blobs/"],
  ],
  // HTTP answers by the same verbs as gRPC.
  [
    ["coordinator/http/"],
    [
      ...["shared/", "proto/gen/", ...COORDINATOR_GROUND, "coordinator/results/"],
      ...["coordinator/rpc/", "coordinator/reader/", "coordinator/blobs/"],
    ],
  ],
  // A thread of its own, with nothing of the main one but the store's queries.
  [["coordinator/reader/"], ["shared/", ...COORDINATOR_GROUND, "coordinator/results/"]],
  [["coordinator/stream/"], ["shared/", ...COORDINATOR_GROUND, "coordinator/results/"]],
  [["coordinator/loops/"], ["shared/", ...COORDINATOR_GROUND, "coordinator/results/"]],
  [["coordinator/"], ["shared/", "proto/gen/", "coordinator/"]],

  [["agent/core/"], PURE_SHARED],
  [["agent/journal.ts"], ["shared/", "agent/core/"]],
  [["agent/engine.ts"], ["shared/", ...AGENT_GROUND]],
  [["agent/process/"], ["shared/", ...AGENT_GROUND]],
  // Who holds a device is a question about processes.
  [["agent/device/"], ["shared/", ...AGENT_GROUND, "agent/process/"]],
  [["agent/output/"], ["shared/", ...AGENT_GROUND]],
  [["agent/session/"], ["shared/", "proto/gen/", ...AGENT_GROUND]],
  [["agent/"], ["shared/", "proto/gen/", "agent/"]],

  [["cli/render/"], PURE_SHARED],
  [["cli/"], ["shared/", "proto/gen/"]],
  [["dashboard/"], ["shared/"]],
  // The reference of the command line is written from the program itself.
  [["scripts/cli-docs.ts"], ["shared/", "cli/"]],
  [["scripts/"], ["shared/"]],
];

const PROGRAM_MAINS = ["agent/main.ts", "coordinator/main.ts"];

/** The one home of each library, apart from tests and benchmarks. */
const LIBRARY_HOMES: readonly (readonly [library: RegExp, homes: readonly string[]])[] = [
  [/^node:sqlite$/, ["coordinator/store/", "agent/journal.ts"]],
  [
    /^@grpc\/grpc-js$/,
    [
      ...["coordinator/rpc/", "agent/session/", "cli/client.ts", "proto/gen/"],
      ...["shared/wire/status.ts", "shared/tls/grpc-credentials.ts"],
    ],
  ],
  [/^@grpc\/(reflection|proto-loader)$/, ["coordinator/rpc/"]],
  [/^@nats-io\//, ["coordinator/stream/", "agent/output/publish.ts"]],
  [/^execa$/, ["agent/process/", "agent/device/", "cli/"]],
  [/^yargs(\/|$)/, [...PROGRAM_MAINS, "cli/"]],
  [/^hono(\/|$)|^@hono\//, ["coordinator/http/"]],
  [/^systeminformation$/, ["agent/"]],
  [/^selfsigned$/, ["shared/tls/own-certificate.ts"]],
  [/^yaml$/, ["shared/convert/yaml-reader.ts"]],
  [/^hyparquet-writer$/, ["cli/export/parquet.ts"]],
  [/^(vitest|fast-check)(\/|$)/, ["vitest.config.ts"]],
];

/** Folders that may use every part and every library. */
const FREE = ["test/", "bench/"];

/** Imports, re-exports and dynamic imports of a file. */
export function importsOf(text: string): Import[] {
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? "",
    line: lineOf(text, match.index + match[0].search(/\S/)),
    isTypeOnly: match[1] !== undefined,
  }));
}

function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}

export function checkDirections(files: readonly SourceFile[]): Violation[] {
  return codeFiles(files).flatMap((file) => {
    const rule = DIRECTIONS.find(([part]) => isIn(file.path, part));
    if (!rule) return [];
    const [part, mayImport] = rule;
    return importsOf(file.text).flatMap(({ specifier, line }): Violation[] => {
      const target = resolveImport(file.path, specifier);
      if (target === undefined || isIn(target, [...part, ...mayImport]) || !target.endsWith(".ts")) return [];
      const allowed = [...part, ...mayImport].join(" ");
      return [
        {
          path: file.path,
          line,
          message: `may not import ${target}: ${part.join(" ")} imports only ${allowed}. Pass the thing in from the wiring, or move it to where both may look.`,
        },
      ];
    });
  });
}

export function checkLibraryHomes(files: readonly SourceFile[]): Violation[] {
  return codeFiles(files).flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, line }) =>
      LIBRARY_HOMES.filter(([library, homes]) => library.test(specifier) && !isIn(file.path, homes)).map(
        ([, homes]) => ({
          path: file.path,
          line,
          message: `${specifier} lives in ${homes.join(" ")} only: use what that offers, or pass it in.`,
        }),
      ),
    ),
  );
}

/** Relative imports name the source file, so that Node runs it as it is. */
export function checkImportEndings(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isOwnTypeScript(file.path))
    .flatMap((file) =>
      importsOf(file.text)
        .filter(({ specifier }) => specifier.startsWith(".") && !/\.(tsx?|json)$/.test(specifier))
        .map(({ specifier, line }) => ({
          path: file.path,
          line,
          message: `"${specifier}" must name its file, ending in .ts.`,
        })),
    );
}

/** Cycles among files by imports of values; types alone leave nothing behind at run time. */
export function checkCycles(files: readonly SourceFile[]): Violation[] {
  const edges = new Map(
    files
      .filter((file) => isOwnTypeScript(file.path))
      .map((file): [string, string[]] => [
        file.path,
        importsOf(file.text)
          .filter((edge) => !edge.isTypeOnly)
          .flatMap((edge) => resolveImport(file.path, edge.specifier) ?? []),
      ]),
  );
  const violations: Violation[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(" -> ");
      violations.push({ path, message: `import cycle ${cycle}: move what both need to a third file.` });
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return violations;
}

function codeFiles(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => file.path.endsWith(".ts") && !isIn(file.path, FREE));
}
