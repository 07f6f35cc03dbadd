/** What each container engine is asked, word by word. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type ContainerPlan, type Engine, endScript, engineCommand } from "../../../agent/process/container/command.ts";
import { passedIntoContainers } from "../../../shared/run/host-variables.ts";

const PLAN: ContainerPlan = {
  image: "torch:2",
  name: "exp-a.1.1-7-0123abcd",
  script: ["/s/enter.sh", "/w/7", "", "", "python", "-c", "it's"],
  cwd: "/w/7/code",
  env: { HOME: "/w/7/home", EXP_FENCE: "7", TOKEN: "s3cret", LD_PRELOAD: "/x.so" },
  mounts: [
    { host: "/w/7", path: "/w/7", readOnly: false },
    { host: "/data", path: "/in", readOnly: true },
  ],
  gpus: [],
  user: { uid: 1000, gid: 100, groups: [4, 27] },
  scratch: "/w/7/scratch",
  hasEnvironment: false,
};
const GPUS = { ...PLAN, gpus: ["GPU-1", "MIG-2"] };
const HOST = {
  PATH: "/bin",
  HOME: "/srv/ada",
  DOCKER_HOST: "unix:///d",
  CH_IMAGE_STORAGE: "/ch",
  AWS_KEY: "k",
  A_: "1",
};

function engine(name: Engine["name"], more: Partial<Engine> = {}): Engine {
  return { name, program: `/usr/bin/${name}`, version: "1", rootless: false, overlay: true, ...more };
}

const OCI = [
  ...["run", "--rm", "--init", "--name", "exp-a.1.1-7-0123abcd", "--network", "host", "--ipc", "host"],
  ...["--log-driver", "none", "--security-opt", "label=disable"],
];
const OCI_REST = [
  ...["--workdir", "/w/7/code"],
  ...["--mount", "type=bind,source=/w/7,target=/w/7", "--mount", "type=bind,source=/data,target=/in,readonly"],
  ...["--env", "HOME=/w/7/home", "--env", "EXP_FENCE", "--env", "TOKEN", "--env", "LD_PRELOAD=/x.so"],
];
const OCI_COMMAND = ["--entrypoint", "/bin/sh", "torch:2", ...PLAN.script];
const OCI_ENV = { ...{ PATH: "/bin", HOME: "/srv/ada", DOCKER_HOST: "unix:///d", CH_IMAGE_STORAGE: "/ch" } };

test("docker: values come from its own environment, and what steers it is not the run's", () => {
  const { argv, env } = engineCommand(engine("docker"), PLAN, HOST);
  expect(argv).toEqual([
    ...["/usr/bin/docker", ...OCI, "--user", "1000:100", "--group-add", "4", "--group-add", "27", ...OCI_REST],
    ...["--env", "NVIDIA_VISIBLE_DEVICES=void", ...OCI_COMMAND],
  ]);
  expect(env).toEqual({ ...OCI_ENV, EXP_FENCE: "7", TOKEN: "s3cret" });
  expect(argv.join(" ")).not.toContain("s3cret");
});

test("docker: exactly the run's GPUs, as one field of a row of CSV", () => {
  const user = ["--user", "0:0"];
  expect(engineCommand(engine("docker", { rootless: true }), GPUS, HOST).argv).toEqual([
    ...["/usr/bin/docker", ...OCI, ...user, "--gpus", '"device=GPU-1,MIG-2"', ...OCI_REST, ...OCI_COMMAND],
  ]);
});

test("podman", () => {
  const gpus = ["--device", "nvidia.com/gpu=GPU-1", "--device", "nvidia.com/gpu=MIG-2"];
  const own = ["--userns", "keep-id", "--user", "1000:100"];
  const rootless = engineCommand(engine("podman", { rootless: true }), GPUS, HOST);
  expect(rootless.argv).toEqual(["/usr/bin/podman", ...OCI, ...own, ...gpus, ...OCI_REST, ...OCI_COMMAND]);
  expect(engineCommand(engine("podman"), PLAN, HOST).argv).toEqual([
    ...["/usr/bin/podman", ...OCI, "--user", "1000:100", ...OCI_REST, "--env", "NVIDIA_VISIBLE_DEVICES=void"],
    ...OCI_COMMAND,
  ]);
});

test("apptainer", () => {
  const options = ["--cleanenv", "--contain", "--workdir", "/w/7/scratch", "--home", "/w/7/home"];
  const places = ["--pwd", "/w/7/code", "--bind", "/w/7:/w/7", "--bind", "/data:/in:ro"];
  const { argv, env } = engineCommand(engine("apptainer"), GPUS, HOST);
  expect(argv).toEqual([
    ...["/usr/bin/apptainer", "exec", ...options, "--nv", ...places, "docker://torch:2", "/bin/sh", ...PLAN.script],
  ]);
  expect(env).toEqual({
    ...OCI_ENV,
    APPTAINERENV_EXP_FENCE: "7",
    APPTAINERENV_TOKEN: "s3cret",
    APPTAINERENV_LD_PRELOAD: "/x.so",
    APPTAINER_NO_EVAL: "1",
  });
  const old = engine("apptainer", { program: "/usr/bin/singularity" });
  const images = ["/images/a.sif", "oras://x/y", "lab/x:1"].map((image) => {
    const command = engineCommand(old, { ...PLAN, image }, HOST);
    expect(command.env).toMatchObject({ SINGULARITYENV_EXP_FENCE: "7", SINGULARITY_NO_EVAL: "1" });
    return command.argv.at(-PLAN.script.length - 2);
  });
  expect(images).toEqual(["/images/a.sif", "oras://x/y", "docker://lab/x:1"]);
});

test("charliecloud", () => {
  const places = ["--cd", "/w/7/code", "--bind=/w/7:/w/7", "--bind=/data:/in"];
  const { argv, env } = engineCommand(engine("charliecloud"), { ...PLAN, image: "/images/a" }, HOST);
  expect(argv).toEqual([
    ...[
      "/usr/bin/charliecloud",
      "--private-tmp",
      "--write-fake",
      ...places,
      "/images/a",
      "--",
      "/bin/sh",
      ...PLAN.script,
    ],
  ]);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  expect(env).toEqual({ PATH: path, CH_IMAGE_STORAGE: "/ch", ...PLAN.env });
  const old = engineCommand(engine("charliecloud", { overlay: false }), { ...PLAN, hasEnvironment: true }, HOST);
  expect(old.argv.slice(1, 3)).toEqual(["--private-tmp", "--write"]);
  expect(old.argv).toContain("--set-env");
});

test.each(["docker", "podman"] as const)("%s is told to end a container, by a script that sh takes", (name) => {
  const host = { ...HOST, DOCKER_AUTH_CONFIG: "{}" };
  const text = endScript(engine(name), "exp-a.1.1-7-x", "/w/it's/ended", host);
  execFileSync("sh", ["-n"], { input: text });
  const time = name === "podman" ? " --time 0" : "";
  expect(text.split("\n")).toEqual([
    "export PATH='/bin'",
    "export HOME='/srv/ada'",
    "export DOCKER_HOST='unix:///d'",
    "export CH_IMAGE_STORAGE='/ch'",
    `'/usr/bin/${name}' rm --force${time} 'exp-a.1.1-7-x' >/dev/null 2>&1`,
    `left=$('/usr/bin/${name}' ps --all --quiet --filter 'name=^exp-a[.]1[.]1-7-x$' 2>/dev/null) || exit 1`,
    `[ -z "$left" ] && echo ended >'/w/it'\\''s/ended'`,
    "",
  ]);
});

test("of the host's variables a container gets who the user is, and the way to the network", () => {
  const env = {
    PATH: "/bin",
    HOME: "/h",
    USER: "ada",
    LANG: "C",
    HF_HOME: "/hf",
    https_proxy: "p",
    NCCL_DEBUG: "1",
    PYTHONHOME: "/x",
  };
  expect(passedIntoContainers(env)).toEqual({ USER: "ada", https_proxy: "p", NCCL_DEBUG: "1" });
});
