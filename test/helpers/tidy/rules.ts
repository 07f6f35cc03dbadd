/** [P] The house rules as a list, each with files that break it and files that do not: a rule that cannot fail says nothing. */
import * as code from "./code.ts";
import * as imports from "./imports.ts";
import * as repository from "./repository.ts";
import type { SourceFile, Violation } from "./source.ts";

const onEach =
  (path: string, check: (file: SourceFile) => Violation[]) =>
  (files: readonly SourceFile[]): Violation[] =>
    files.filter((file) => file.path === path).flatMap(check);

export type Sample = readonly [path: string, text: string];

export interface Rule {
  readonly name: string;
  readonly check: (files: readonly SourceFile[]) => Violation[];
  /** Files that break the rule, each by itself or together, and what must be said. */
  readonly bad: readonly { readonly files: readonly Sample[]; readonly says: RegExp }[];
  readonly good: readonly Sample[];
}

export const RULES: readonly Rule[] = [
  {
    name: "import directions",
    check: imports.checkDirections,
    bad: [
      {
        files: [["agent/output/tail.ts", 'import { x } from "../../coordinator/engine.ts";']],
        says: /^agent\/output\/tail\.ts:1: may not import coordinator\/engine\.ts/,
      },
      {
        files: [["coordinator/core/fit.ts", '\nimport type { Db } from "../store/database.ts";']],
        says: /fit\.ts:2: may not import coordinator\/store/,
      },
      {
        files: [["coordinator/rpc/server.ts", 'import {\n  a,\n  b,\n} from "../stream/ingest.ts";']],
        says: /may not import coordinator\/stream/,
      },
      {
        files: [["shared/kernel/ids.ts", 'export { y } from "../run/states.ts";']],
        says: /may not import shared\/run/,
      },
      { files: [["shared/logger.ts", 'const a = await import("../agent/agent.ts");']], says: /may not import agent/ },
      { files: [["cli/client.ts", 'import "../coordinator/main.ts";']], says: /may not import coordinator/ },
    ],
    good: [
      [
        "coordinator/rpc/server.ts",
        'import { a } from "../engine.ts";\nimport { b } from "../../proto/gen/runner/v1/agent.ts";',
      ],
      [
        "coordinator/core/fit.ts",
        'import type { A } from "../../shared/run/devices.ts";\nimport { b } from "./cluster.ts";',
      ],
      ["test/e2e/a.test.ts", 'import { a } from "../../coordinator/engine.ts";'],
    ],
  },
  {
    name: "library homes",
    check: imports.checkLibraryHomes,
    bad: [
      {
        files: [["coordinator/http/server.ts", 'import { DatabaseSync } from "node:sqlite";']],
        says: /node:sqlite lives in coordinator\/store/,
      },
      {
        files: [["agent/output/tail.ts", 'import type { NatsConnection } from "@nats-io/nats-core";']],
        says: /@nats-io\/nats-core lives in/,
      },
      { files: [["cli/commands/ls.ts", 'import * as grpc from "@grpc/grpc-js";']], says: /@grpc\/grpc-js lives in/ },
      { files: [["agent/agent.ts", 'import yargs from "yargs/yargs";']], says: /yargs\/yargs lives in/ },
      { files: [["cli/spec-file.ts", 'import { parse } from "yaml";']], says: /yaml lives in shared\/convert/ },
    ],
    good: [
      ["coordinator/store/database.ts", 'import { DatabaseSync } from "node:sqlite";'],
      ["agent/main.ts", 'import yargs from "yargs";'],
      ["test/helpers/a.ts", 'import { connect } from "@nats-io/transport-node";'],
    ],
  },
  {
    name: "import endings",
    check: imports.checkImportEndings,
    bad: [{ files: [["cli/main.ts", 'import { a } from "./client.js";']], says: /must name its file/ }],
    good: [["cli/main.ts", 'import { a } from "./client.ts";\nimport b from "zod";']],
  },
  {
    name: "no import cycles",
    check: imports.checkCycles,
    bad: [
      {
        files: [
          ["agent/a.ts", 'import { b } from "./b.ts";'],
          ["agent/b.ts", 'import { c } from "./c.ts";'],
          ["agent/c.ts", 'import { a } from "./a.ts";'],
        ],
        says: /import cycle agent\/a\.ts -> agent\/b\.ts -> agent\/c\.ts -> agent\/a\.ts/,
      },
    ],
    good: [
      ["agent/a.ts", 'import { b } from "./b.ts";'],
      ["agent/b.ts", 'import type { A } from "./a.ts";'],
    ],
  },
  {
    name: "pure parts",
    check: code.checkPurity,
    bad: [
      { files: [["coordinator/core/scheduler.ts", "const now = Date.now();"]], says: /Date\.now in a pure part/ },
      { files: [["shared/run/states.ts", "export async function f() {}"]], says: /async in a pure part/ },
      { files: [["agent/core/react.ts", 'import { readFileSync } from "node:fs";']], says: /node:fs in a pure part/ },
      {
        files: [["cli/render/table.ts", "const width = process.stdout.columns;"]],
        says: /process\.stdout in a pure part/,
      },
    ],
    good: [
      [
        "coordinator/core/scheduler.ts",
        '/** Never asks Date.now(). */\nconst a = "async"; // await\nconst b = now.process;',
      ],
      ["agent/output/tail.ts", "const now = Date.now();"],
    ],
  },
  {
    name: "inert page",
    check: code.checkInertPage,
    bad: [
      {
        files: [["dashboard/app/views/run.tsx", "const a = <p dangerouslySetInnerHTML={{ __html: name }} />;"]],
        says: /run\.tsx:1: dangerouslySetInnerHTML/,
      },
      { files: [["dashboard/app/a.ts", "element.innerHTML = name;"]], says: /innerHTML/ },
    ],
    good: [
      ["dashboard/app/views/run.tsx", "// never innerHTML\nconst a = <p>{name}</p>;"],
      ["coordinator/http/page.ts", "a.innerHTML = b;"],
    ],
  },
  {
    name: "homes of the process",
    check: code.checkProcessHomes,
    bad: [
      { files: [["coordinator/engine.ts", "const a = process.env.HOME;"]], says: /process\.env/ },
      { files: [["agent/agent.ts", "if (bad) process.exit(1);"]], says: /main\.ts, config\.ts/ },
      { files: [["agent/agent.ts", 'process.once("SIGTERM", stop);']], says: /signals belong to/ },
    ],
    good: [
      ["agent/main.ts", "process.exit(await main(process.env));"],
      ["shared/lifecycle.ts", 'process.on("SIGTERM", stop);'],
      ["agent/agent.ts", "// process.env is read in main.ts\nconst pid = process.pid;"],
    ],
  },
  {
    name: "exports by name, no barrels",
    check: code.checkExports,
    bad: [
      { files: [["cli/main.ts", "export default function main() {}"]], says: /default export/ },
      { files: [["cli/index.ts", "export const a = 1;"]], says: /barrel/ },
      {
        files: [["cli/all.ts", '/** All. */\nexport * from "./a.ts";\nexport { b, type C } from "./b.ts";']],
        says: /barrel/,
      },
    ],
    good: [["cli/main.ts", 'export { a } from "./a.ts";\nexport const b = 1; // export default']],
  },
  {
    name: "file names",
    check: code.checkNames,
    bad: [
      { files: [["cli/utils.ts", ""]], says: /name says nothing/ },
      { files: [["cli/exitCodes.ts", ""]], says: /kebab-case/ },
    ],
    good: [
      ["cli/exit-codes.ts", ""],
      ["test/unit/a-b.test.ts", ""],
    ],
  },
  {
    name: "file size",
    check: code.checkSize,
    bad: [{ files: [["cli/main.ts", "a;\n".repeat(code.LINES_HARD + 1)]], says: /401 lines, at most 400/ }],
    good: [
      ["cli/main.ts", "a;\n".repeat(code.LINES_HARD)],
      ["proto/gen/runner/v1/agent.ts", "a;\n".repeat(code.LINES_HARD + 1)],
    ],
  },
  {
    name: "a purpose first",
    check: code.checkPurpose,
    bad: [
      { files: [["cli/main.ts", 'import a from "a";\n']], says: /starts without a comment/ },
      { files: [["scripts/a.sh", "#!/bin/sh\nset -eu\n"]], says: /starts without a comment/ },
      { files: [["python/a.py", "import os\n"]], says: /starts without a comment/ },
    ],
    good: [
      ["cli/main.ts", "/** The command line. */\n"],
      ["scripts/a.sh", "#!/bin/sh\n# Does it.\n"],
      ["python/a.py", '"""Does it."""\n'],
      ["package.json", "{}"],
    ],
  },
  {
    name: "tests run",
    check: code.checkTestSwitches,
    bad: [
      { files: [["test/unit/a.test.ts", 'test.only("a", f);']], says: /\.only: a test runs or is deleted/ },
      { files: [["test/unit/a.test.ts", 'describe.sequential.skip("a", f);']], says: /\.skip/ },
    ],
    good: [["test/unit/a.test.ts", 'test.each([1])("it.skip", f);']],
  },
  {
    name: "generated code is not edited",
    check: code.checkGenerated,
    bad: [{ files: [["proto/gen/runner/v1/a.ts", "export const a = 1;\n"]], says: /run 'npm run gen'/ }],
    good: [["proto/gen/runner/v1/a.ts", "// Code generated by x. DO NOT EDIT.\n"]],
  },
  {
    name: "words",
    check: repository.checkWords,
    bad: [
      { files: [["a.md", `\n${"TO" + "DO"}: later`]], says: /^a\.md:2: TO/ },
      { files: [["a.sh", `cd ${"/ho" + "me/zed"}/x`]], says: /one machine's path/ },
      { files: [["a.sh", `cd ${"/ro" + "ot/"}x`]], says: /one machine's path/ },
      { files: [["a.ts", `// see ${"/wo" + "rk/"}x`]], says: /one machine's path/ },
      {
        files: [["package-lock.json", `"https://${"registry.npm" + "js"}.org/a.tgz"`]],
        says: /which registry it asks/,
      },
    ],
    good: [["a.md", "mktemp -d x.XXXXXX; cd /home/alice/runs; see https://example.org/root/a"]],
  },
  {
    name: "manifest",
    check: onEach("package.json", repository.checkManifest),
    bad: [
      { files: [["package.json", '{"dependencies": {"a": "^1.2.3"}}']], says: /a "\^1\.2\.3": pin one exact version/ },
      { files: [["package.json", '{"devDependencies": {"a": "git+ssh://x/a"}}']], says: /pin one exact version/ },
      { files: [["package.json", '{"scripts": {"postinstall": "x"}}']], says: /runs at installation/ },
    ],
    good: [["package.json", '{"dependencies": {"a": "1.2.3"}, "scripts": {"test": "x"}}']],
  },
  {
    name: "lock file",
    check: onEach("package-lock.json", repository.checkLock),
    bad: [
      {
        files: [
          [
            "package-lock.json",
            '{"packages": {"node_modules/a/node_modules/@b/c": {"integrity": "x", "hasInstallScript": true}}}',
          ],
        ],
        says: /@b\/c has an install script/,
      },
      {
        files: [["package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.0"}}}']],
        says: /a has no integrity/,
      },
      {
        files: [
          ["package-lock.json", '{"packages": {"node_modules/a": {"resolved": "git+ssh://x/a", "integrity": "x"}}}'],
        ],
        says: /not a registry package/,
      },
    ],
    good: [["package-lock.json", '{"packages": {"": {}, "node_modules/a": {"version": "1.0.0", "integrity": "x"}}}']],
  },
  {
    name: "changelog",
    check: onEach("CHANGELOG.md", repository.checkChangelog),
    bad: [
      { files: [["CHANGELOG.md", "# Changelog\n\n## 0.1.0\n"]], says: /found 0/ },
      { files: [["CHANGELOG.md", "## Pending\n\n## Pending\n"]], says: /found 2/ },
      { files: [["CHANGELOG.md", "## 0.1.0\n\n## Pending\n"]], says: /comes first/ },
    ],
    good: [["CHANGELOG.md", "# Changelog\n\n## Pending\n\n## 0.1.0\n"]],
  },
];
