/** What the fleet says of devices at work: which readings of an attempt belong to which device. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFleetNodes } from "../../../coordinator/http/device-use.ts";
import { deviceUuid, nodeName } from "../../../shared/kernel/ids.ts";
import { SEED_TIME } from "../../helpers/seed-store.ts";
import { createReadStore, type ReadStore } from "../coordinator-read/fixture.ts";

let store: ReadStore;

beforeEach(() => {
  store = createReadStore();
  const gpu = (index: number) =>
    ({ uuid: deviceUuid(`GPU-${index}`), index, kind: "gpu", model: "H100", memoryBytes: 80e9 }) as const;
  const slot = { ...gpu(0), uuid: deviceUuid("gpu-01/cpu-0"), kind: "cpu", model: "", memoryBytes: 0 } as const;
  const clean = { health: "clean", reason: "", foreign: [] } as const;
  store.seed.node(
    "gpu-01",
    [gpu(0), gpu(1), gpu(2), slot].map((device) => ({ ...device, ...clean })),
  );
  store.seed.sweep({
    name: "two",
    runs: [
      {
        state: "running",
        // The order of the attempt, which is that of CUDA_VISIBLE_DEVICES, is not that of the host.
        devices: ["GPU-2", "GPU-0"],
        metrics: {
          "sys/gpu0/utilization_percent": 97,
          "sys/gpu0/memory_bytes": 40e9,
          "sys/gpu0/power_watts": 300.5,
          "sys/gpu0/temperature_celsius": 61,
          "sys/gpu1/utilization_percent": 3,
          "sys/gpu1/power_watts": "NaN",
          "sys/cpu_percent": 50,
          "gpu1/memory_bytes": 7,
        },
      },
      { state: "running", devices: ["gpu-01/cpu-0"], metrics: { "sys/gpu0/power_watts": 1 } },
    ],
  });
});
afterEach(() => store.close());

const NOTHING = { utilizationPercent: null, memoryBytes: null, powerWatts: null, temperatureCelsius: null };
const SINCE = new Date(SEED_TIME + 2_000).toISOString();

function usesOf(isHeard: boolean) {
  const deps = store.deps();
  const node = deps.cluster.nodes.get(nodeName("gpu-01"));
  if (!node) throw new Error("not seeded");
  node.connected = isHeard;
  node.silent = false;
  const [view] = createFleetNodes(deps)();
  return view?.devices.map(({ uuid, run, use }) => ({ uuid, run, use }));
}

test("readings belong to devices by their order in the attempt; what is not known is null; an idle device says nothing", () => {
  const devices = usesOf(true);
  expect(devices).toEqual([
    { uuid: "GPU-0", run: "two.1.1", use: { ...NOTHING, since: SINCE, gpu: 1, utilizationPercent: 3 } },
    { uuid: "GPU-1", run: null, use: undefined },
    {
      uuid: "GPU-2",
      run: "two.1.1",
      use: {
        since: SINCE,
        gpu: 0,
        utilizationPercent: 97,
        memoryBytes: 40e9,
        powerWatts: 300.5,
        temperatureCelsius: 61,
      },
    },
    { uuid: "gpu-01/cpu-0", run: "two.1.2", use: { ...NOTHING, since: SINCE, gpu: null } },
  ]);
});

test("what a silent host said last is no reading", () => {
  expect(usesOf(false)?.map(({ use }) => use && [use.gpu, use.utilizationPercent])).toEqual([
    [1, null],
    undefined,
    [0, null],
    [null, null],
  ]);
});
