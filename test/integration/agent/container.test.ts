/** Which container engine a host has, what a run is given inside, and what is refused before anything starts. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAttemptDir } from "../../../agent/process/attempt-dir.ts";
import { endContainer, enterContainer } from "../../../agent/process/container/attempt-container.ts";
import type { Engine } from "../../../agent/process/container/command.ts";
import { describeEngine, findEngine } from "../../../agent/process/container/engine.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import type { Mount } from "../../../shared/spec/image.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "exp-engine-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of this name that does `text`, alone on a PATH with the shell's own. */
function put(name: string, text: string): void {
  mkdirSync(join(root, "bin"), { recursive: true });
  writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

describe("the engine of a host", () => {
  const find = async (option: string) => describeEngine(await findEngine(option, { PATH: join(root, "bin") }));

  test("is the first that works, in a fixed order", async () => {
    expect(await find("auto")).toBe("");
    put("ch-run", '[ -n "$USER" ] && echo 0.38 >&2');
    expect(await find("auto")).toBe("charliecloud 0.38");
    put("singularity", "echo singularity-ce version 4.1.2");
    expect(await find("auto")).toBe("apptainer 4.1.2");
    put("podman", "echo 5.4.0 true");
    expect(await findEngine("auto", { PATH: join(root, "bin") })).toMatchObject({ name: "podman", rootless: true });
    put("docker", "echo Cannot connect to the Docker daemon >&2; exit 1");
    expect(await find("auto")).toBe("podman 5.4.0");
    put("docker", "echo '28.2.2 [name=seccomp,profile=builtin]'");
    expect(await find("auto")).toBe("docker 28.2.2");
    expect(await find("none")).toBe("");
    expect(await find("apptainer")).toBe("apptainer 4.1.2");
  });

  test("is refused in one line where it was named and does not work", async () => {
    const lineOf = async (option: string) => {
      const error = await find(option).catch((thrown: unknown) => thrown);
      if (!(error instanceof AppError)) throw new Error("not refused");
      return error.message;
    };
    put("docker", "echo Cannot connect to the Docker daemon >&2; exit 1");
    expect(await lineOf("docker")).toBe(
      `--container-engine docker: ${root}/bin/docker says: Cannot connect to the Docker daemon`,
    );
    expect(await lineOf("apptainer")).toBe(
      "--container-engine apptainer: there is no apptainer or singularity on PATH",
    );
    expect(await lineOf("lxc")).toBe('--container-engine "lxc" is not known');
  });
});

describe("an attempt in a container", () => {
  const engine = (name: Engine["name"]): Engine => ({
    name,
    program: join(root, "bin", name),
    version: "1",
    rootless: false,
    overlay: true,
  });

  function enter(name: Engine["name"] | undefined, more: { image?: string; mounts?: Mount[]; cwd?: string } = {}) {
    const dir = join(root, "runs", "7");
    createAttemptDir(dir, "{}");
    mkdirSync(join(root, "client"), { recursive: true });
    const { image = "any", mounts = [], cwd = dir } = more;
    const python = { first: [join(root, "client")], last: [] };
    const rest = { argv: ["true"], env: { A: "1" }, python, pythonPath: join(root, "client"), gpus: [] };
    const request = { dir, fence: fence(7), runRef: "a.1.1", container: { image, mounts }, cwd, ...rest };
    return enterContainer(name && engine(name), request, { PATH: "/bin" });
  }

  const mountsIn = (argv: readonly string[]) => argv.filter((word) => word.startsWith("type=bind"));
  const same = (path: string) => `type=bind,source=${path},target=${path}`;

  test("has its directory, its code and ours at their own paths, each once", () => {
    const { argv } = enter("docker", { cwd: root });
    const own = mountsIn(argv);
    expect(own).toContain(same(root));
    expect(own).toContain(same(join(root, "runs/7")));
    expect(own).toContain(`${same(join(root, "client"))},readonly`);
    expect(own).toHaveLength(4);
    expect(argv).toContain(`HOME=${root}/runs/7/home`);
    expect(existsSync(join(root, "runs/7/home"))).toBe(true);
    expect(readFileSync(join(root, "runs/7/stage"), "utf8")).toBe("image\n");
  });

  test("sees nothing twice of what is mounted around it, and what is mounted over the code instead of it", () => {
    const around = { host: root, path: root, readOnly: false };
    expect(mountsIn(enter("docker", { mounts: [around], cwd: join(root, "runs") }).argv)).toHaveLength(2);
    rmSync(join(root, "runs"), { recursive: true });
    mkdirSync(join(root, "work"));
    const over = { host: join(root, "client"), path: join(root, "work"), readOnly: true };
    const own = mountsIn(enter("docker", { mounts: [over], cwd: join(root, "work") }).argv);
    expect(own).toContain(`type=bind,source=${root}/client,target=${root}/work,readonly`);
    expect(own).not.toContain(same(join(root, "work")));
  });

  const missing = "/no/such/place";
  test.each<[Engine["name"] | undefined, Parameters<typeof enter>[1], string]>([
    [undefined, {}, "this host has no container engine"],
    ["apptainer", { image: `${missing}.sif` }, `its image ${missing}.sif does not exist on this host`],
    ["docker", { mounts: [{ host: missing, path: "/x", readOnly: true }] }, `${missing} does not exist on this host`],
    ["docker", { cwd: "/" }, "/ would replace all of the image"],
    [
      "charliecloud",
      { mounts: [{ host: "/", path: "/x", readOnly: true }] },
      "charliecloud mounts nothing read-only: /x",
    ],
  ])("%s %j", (name, more, message) => {
    expect(() => enter(name, more)).toThrow(message);
    expect(existsSync(join(root, "runs/7/end-container.sh"))).toBe(false);
  });

  test("is over when its engine says so, or when it has never begun", async () => {
    put("docker", 'echo "$@" >>"$0.calls"; [ -e "$0.away" ] && exit 1; [ "$1" != ps ] || cat "$0.left"');
    const docker = join(root, "bin/docker");
    enter("docker");
    const dir = join(root, "runs/7");
    writeFileSync(join(dir, "container.claim"), "container\n");
    writeFileSync(`${docker}.left`, "c0ffee\n");
    expect(await endContainer(dir)).toBe(false);
    writeFileSync(`${docker}.left`, "");
    expect(await endContainer(dir)).toBe(true);
    const calls = readFileSync(`${docker}.calls`, "utf8").split("\n");
    expect(calls[0]).toMatch(/^rm --force exp-a\.1\.1-7-[0-9a-f]{8}$/);
    expect(await endContainer(dir)).toBe(true);
    expect(readFileSync(`${docker}.calls`, "utf8").split("\n")).toHaveLength(calls.length);
    rmSync(dir, { recursive: true });
    enter("docker");
    writeFileSync(`${docker}.away`, "");
    expect(await endContainer(dir)).toBe(true);
    expect(readFileSync(join(dir, "container.claim"), "utf8")).toBe("agent\n");
  });
});
