import { describe, expect, it } from "vitest";
import { buildEnvironment, type EnvironmentParts, isReserved } from "../../../agent/process/environment.ts";

const RUN = {
  runId: "run_1",
  runRef: "digits.1.4",
  sweepRef: "digits.1",
  attempt: 2,
  fence: 17,
  runDir: "/w/runs/17",
  artifactDir: "/w/runs/17/artifacts",
  checkpointDir: "/w/runs/17/checkpoints",
  resumeFrom: undefined,
  configPath: "/w/runs/17/config.json",
  eventsPath: "/w/runs/17/client.jsonl",
  seed: undefined,
  url: undefined,
};

function build(parts: Partial<EnvironmentParts>): Record<string, string> {
  return buildEnvironment({ base: {}, template: {}, run: RUN, device: {}, pythonPath: undefined, ...parts });
}

describe("buildEnvironment", () => {
  it("names the part of its GPUs that a run has, where it has a part", () => {
    expect(build({ run: { ...RUN, gpuMilli: 333 } }).EXP_GPU_SHARE).toBe("0.333");
    expect(build({})).not.toHaveProperty("EXP_GPU_SHARE");
  });

  it("tells a run on several nodes where its ranks meet, unless the sweep file says otherwise", () => {
    const nodes = [
      { name: "a", address: "10.0.0.1" },
      { name: "b", address: "10.0.0.2" },
    ];
    const run = { ...RUN, gang: { rank: 1, nodes, port: 20_017 }, gpus: 8 };
    expect(build({ run, template: { MASTER_PORT: "7" } })).toMatchObject({
      EXP_NODES: "2",
      EXP_NODE_RANK: "1",
      EXP_NODE_NAMES: "a,b",
      EXP_NODE_ADDRESSES: "10.0.0.1,10.0.0.2",
      MASTER_ADDR: "10.0.0.1",
      MASTER_PORT: "7",
      PET_MASTER_ADDR: "10.0.0.1",
      PET_MASTER_PORT: "20017",
      PET_NNODES: "2",
      PET_NODE_RANK: "1",
      PET_NPROC_PER_NODE: "8",
    });
    expect(Object.keys(build({})).filter((name) => /^(EXP_NODE|MASTER|PET)_?/.test(name))).toEqual([]);
  });

  it.each([
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHASHSEED",
    "CUDA_HOME",
    "HF_HOME",
    "XDG_CACHE_HOME",
    "http_proxy",
    "HTTPS_PROXY",
    "no_proxy",
  ])("passes %s of the host", (name) => {
    expect(build({ base: { [name]: "x" } })).toHaveProperty(name, "x");
  });

  it.each([
    "AWS_SECRET_ACCESS_KEY",
    "AWS_PROFILE",
    "GITHUB_TOKEN",
    "HF_TOKEN",
    "WANDB_API_KEY",
    "CI",
    "NPM_TOKEN",
    "SSH_AUTH_SOCK",
    "CONDA_TOKEN",
    "PYTHON_KEYRING_PASSWORD",
    "XDG_SECRET",
    "LD_PRELOAD",
    "EXP_TOKEN",
    "EXP_FENCE_OF_ANOTHER",
    "NODE_OPTIONS",
    "INVOCATION_ID",
    "NOTIFY_SOCKET",
    "CUDA_VISIBLE_DEVICES",
  ])("keeps %s of the host to itself", (name) => {
    expect(build({ base: { [name]: "x" } })).not.toHaveProperty(name);
  });

  it("passes what the sweep file sets, over the host's", () => {
    const env = build({ base: { LANG: "C" }, template: { LANG: "de_DE", WANDB_API_KEY: "k", PYTHONUNBUFFERED: "" } });
    expect(env).toMatchObject({ LANG: "de_DE", WANDB_API_KEY: "k", PYTHONUNBUFFERED: "" });
  });

  it("does not let the sweep file change devices or our own names", () => {
    const template = { CUDA_VISIBLE_DEVICES: "0,1,2", EXP_FENCE: "1", EXP_ANYTHING: "1", EXPERIMENT_NAME: "other" };
    const env = build({ template, device: { CUDA_VISIBLE_DEVICES: "GPU-a" } });
    expect(env).toMatchObject({ CUDA_VISIBLE_DEVICES: "GPU-a", EXP_FENCE: "17", EXPERIMENT_NAME: "other" });
    expect(env).not.toHaveProperty("EXP_ANYTHING");
  });

  it.each([
    [undefined, {}, {}, undefined],
    ["/client", {}, {}, "/client:/client/stand-ins"],
    ["/client", { PYTHONPATH: "/host" }, {}, "/client:/host:/client/stand-ins"],
    ["/client", { PYTHONPATH: "/host" }, { PYTHONPATH: "/mine" }, "/client:/mine:/client/stand-ins"],
    [undefined, {}, { PYTHONPATH: "/mine" }, "/mine"],
  ])(
    "puts the client's folder %j first on the Python path, its stand-ins last",
    (pythonPath, base, template, expected) => {
      expect(build({ pythonPath, base, template }).PYTHONPATH).toBe(expected);
    },
  );

  it("puts the hook before the client's folder, where it was asked for and there is a client", () => {
    const base = { PYTHONPATH: "/host" };
    expect(build({ pythonPath: "/client", hook: true, base }).PYTHONPATH).toBe(
      "/client/hook:/client:/host:/client/stand-ins",
    );
    expect(build({ pythonPath: undefined, hook: true, base: {} })).not.toHaveProperty("PYTHONPATH");
  });

  it("tells the run who it is", () => {
    expect(build({})).toEqual({
      PYTHONUNBUFFERED: "1",
      EXP_RUN_ID: "run_1",
      EXP_RUN_NAME: "digits.1.4",
      EXP_SWEEP: "digits.1",
      EXP_ATTEMPT: "2",
      EXP_FENCE: "17",
      EXP_RUN_DIR: "/w/runs/17",
      EXP_ARTIFACT_DIR: "/w/runs/17/artifacts",
      EXP_CHECKPOINT_DIR: "/w/runs/17/checkpoints",
      EXP_CONFIG: "/w/runs/17/config.json",
      EXP_EVENTS: "/w/runs/17/client.jsonl",
      EXPERIMENT_WORK_DIR: "/w/runs/17",
      EXPERIMENT_NAME: "digits.1.4",
      EXPERIMENT_RUN_ID: "run_0002",
    });
  });

  it("names seed, link and checkpoint only where there are some", () => {
    const run = { ...RUN, seed: 0, url: "http://h/r", resumeFrom: "/w/runs/9/checkpoints" };
    expect(build({ run })).toMatchObject({
      EXP_SEED: "0",
      EXP_URL: "http://h/r",
      EXP_RESUME_FROM: "/w/runs/9/checkpoints",
    });
  });

  it("reserves its names", () => {
    expect(["EXP_FENCE", "EXP_X", "EXPERIMENT", "PATH"].map(isReserved)).toEqual([true, true, false, false]);
  });
});
