/** What an interpreter says of itself: packages by their records, and nothing of the user's is run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPythonFacts, pythonOf } from "../../../agent/code/python-facts.ts";

let dir = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-python-")));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function addPackage(packages: string, name: string, version: string): void {
  const info = join(packages, `${name}-${version}.dist-info`);
  mkdirSync(info);
  writeFileSync(join(info, "METADATA"), `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
}

/** Debian's own Python looks for packages elsewhere than others. */
const PYTHONS = ["python3", "/usr/bin/python3"].filter((name) => !name.startsWith("/") || existsSync(name));

test.each(PYTHONS)(
  "packages of a virtual environment of %s, asked again when they change, without running a line of them",
  async (base) => {
    const venv = join(dir, "venv");
    execFileSync(base, ["-m", "venv", "--without-pip", venv]);
    const python = join(venv, "bin/python");
    const packages = execFileSync(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], {
      encoding: "utf8",
    }).trim();
    const ran = join(dir, "ran");
    writeFileSync(join(packages, "sitecustomize.py"), `open(${JSON.stringify(ran)}, "w")\n`);
    writeFileSync(join(packages, "some.pth"), `import sys; open(${JSON.stringify(ran)}, "w")\n`);
    addPackage(packages, "torch", "2.9.0");
    const env = { PATH: process.env.PATH ?? "", PYTHONSTARTUP: "/nowhere", PYTHONPATH: dir };
    writeFileSync(join(dir, "json.py"), `open(${JSON.stringify(ran)}, "w")\n`);

    const ask = createPythonFacts();
    const facts = await ask(python, env);
    expect(facts).toMatchObject({ executable: python, implementation: "CPython", packages: ["torch==2.9.0"] });
    expect(facts.version).toMatch(/^3\.\d+\.\d+/);
    expect(await ask(python, env)).toBe(facts);
    addPackage(packages, "numpy", "3.0");
    expect((await ask(python, env)).packages).toEqual(["numpy==3.0", "torch==2.9.0"]);
    expect(() => realpathSync(ran)).toThrow("ENOENT");
  },
);

test("what is no Python is told in one line", async () => {
  await expect(createPythonFacts()("/bin/false", {})).rejects.toThrow(/^\/bin\/false does not say what it has: .+$/);
});

test("the Python of a command", () => {
  for (const name of ["python", "python3.12", "bash"]) writeFileSync(join(dir, name), "", { mode: 0o755 });
  const env = { PATH: `${dir}:/nowhere` };
  expect(pythonOf(["python3.12", "train.py"], env)).toBe(join(dir, "python3.12"));
  expect(pythonOf([join(dir, "python"), "train.py"], env)).toBe(join(dir, "python"));
  expect(pythonOf(["bash", "run.sh"], env)).toBe(join(dir, "python"));
  expect(pythonOf(["bash", "run.sh"], { PATH: "/nowhere" })).toBeUndefined();
});
