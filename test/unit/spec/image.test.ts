/** `[run] image`: what becomes of it for a run, and that it counts as the command does. */
import { expect, test } from "vitest";
import { required } from "../../../shared/kernel/assert.ts";
import { describeRequest } from "../../../shared/run/devices.ts";
import { commandIdentity, fingerprintOf } from "../../../shared/spec/canonical.ts";
import { parseMount } from "../../../shared/spec/image.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { shownImage } from "../../../shared/spec/shown-command.ts";
import { renderCommand } from "../../../shared/spec/template.ts";
import type { Params, RunTemplate } from "../../../shared/spec/types.ts";
import { tomlSource } from "../../helpers/spec-source.ts";

const TEMPLATE: RunTemplate = { command: ["x"], args: "flags", cwd: "/w", env: {} };
const RUN = { id: "run_1", name: "a.1.1", index: 1 };

function rendered(more: Partial<RunTemplate>, params: Params = new Map()) {
  const context = { run: { ...RUN, dir: "/d" }, sweep: "a.1", node: "n", gpus: 0, env: { HOME: "/srv/ada" } };
  return renderCommand({ ...TEMPLATE, ...more }, params, context);
}

test("image and mounts are filled in", () => {
  const params = new Map([["tag", "2.5"]]);
  const command = rendered({ image: "torch:${tag}", mounts: ["/data", "${env.HOME}/c/:/c:ro"] }, params);
  expect(command).toMatchObject({
    container: {
      image: "torch:2.5",
      mounts: [
        { host: "/data", path: "/data", readOnly: false },
        { host: "/srv/ada/c", path: "/c", readOnly: true },
      ],
    },
  });
  expect(rendered({})).not.toHaveProperty("container");
});

test.each([
  [{ image: "${tag}" }, 'run.image renders to "-v", which begins with "-"'],
  [{ image: "a", mounts: ["${tag}"] }, 'run.mounts[0] names "-v", which is not absolute'],
  [{ image: "a", mounts: ["/a:/b:${tag}"] }, 'run.mounts[0] is not HOST:PATH:ro, but "/a:/b:-v"'],
  [{ image: "a", mounts: ["/x", "/y:${'/x'}"] }, 'run.mounts has "/x" twice'],
])("%j", (more, problem) => expect(rendered(more, new Map([["tag", "-v"]]))).toEqual({ problem }));

test("what only a host knows is shown as such", () => {
  const template = { ...TEMPLATE, image: "${env.HOME}/i.sif", mounts: ["${env.HOME}/x:/x"] };
  expect(shownImage(template, new Map(), { ...RUN, sweep: "a.1" })).toBe("<env.HOME>/i.sif");
  expect(parseMount("<env.HOME>/x:/x")).toEqual({ host: "<env.HOME>/x", path: "/x", readOnly: false });
});

test("another image is other work, and no image is what it always was", () => {
  const prints = [{ image: "a" }, { image: "b" }, {}].map((more) =>
    fingerprintOf(commandIdentity({ ...TEMPLATE, ...more }), new Map()),
  );
  expect(new Set(prints).size).toBe(3);
  expect(prints[2]).toBe(fingerprintOf({ command: ["x"] }, new Map()));
});

test("the file makes it count, vary, and ask for an engine", () => {
  const read = readSweep(
    tomlSource(`
name = "a"
grid.tag = ["1", "2"]
run = { command = "x", image = "a:\${tag}" }
resources = { gpus = 1, alternatives = [{ gpus = 0 }] }
[[variants]]
base.v = 1
[[variants]]
base.v = 2
run.image = "b"
`),
  );
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  const { shapes, points } = read.sweep;
  const images = [...points].map(({ params, shape }) =>
    shownImage(required(shapes[shape], "shape").template, params, { ...RUN, sweep: "a.1" }),
  );
  expect(images).toEqual(["a:1", "a:2", "b", "b"]);
  expect(new Set([...points].map(({ fingerprint }) => fingerprint)).size).toBe(4);
  for (const { resources } of shapes) {
    expect(describeRequest(resources)).toBe("1 GPU, a container engine or 1 CPU slot, a container engine");
  }
});
