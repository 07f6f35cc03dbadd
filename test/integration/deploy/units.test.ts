/** deploy/systemd: systemd's own check where it is there, and the promises that no tool checks. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { AGENT_SETTINGS } from "../../../agent/config.ts";
import { COORDINATOR_SETTINGS } from "../../../coordinator/config.ts";
import { createTestFolder } from "../../helpers/fake-tools.ts";

const FOLDER = resolve(import.meta.dirname, "../../../deploy/systemd");
const NAMES = ["exp-agent@.service", "exp-coordinator.service", "exp-nats.service"];

type Unit = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Sections, keys and their values in order; throws for a line that is neither. */
function parseUnit(text: string): Unit {
  const unit = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      section = new Map();
      unit.set(header, section);
    } else if (section && key !== undefined && value !== undefined) {
      section.set(key, [...(section.get(key) ?? []), value]);
    } else {
      throw new Error(`not a unit file: ${line}`);
    }
  }
  return unit;
}

const texts = new Map(NAMES.map((name) => [name, readFileSync(join(FOLDER, name), "utf8")]));
const service = (name: string) => parseUnit(texts.get(name) ?? "").get("Service") ?? new Map<string, string[]>();
const last = (name: string, key: string) => service(name).get(key)?.at(-1);

test("the units are these", () => {
  expect(readdirSync(FOLDER).sort()).toEqual(NAMES);
});

test("systemd-analyze verify finds nothing, where it is there", () => {
  const folder = createTestFolder();
  try {
    mkdirSync(folder, { recursive: true });
    const files = [...texts].map(([name, text]) => {
      // The programs are not installed here, and a template is checked as one instance of it.
      const file = join(folder, name.replace("@", "@daemon"));
      writeFileSync(file, text.replace(/\/usr\/local\/bin\/[\w-]+/g, "/bin/true"));
      return file;
    });
    const result = spawnSync("systemd-analyze", ["verify", ...files], { encoding: "utf8" });
    if (result.error) return;
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe.each(NAMES)("%s", (name) => {
  test("has its sections, starts at boot and again after any end", () => {
    const unit = parseUnit(texts.get(name) ?? "");
    expect([...unit.keys()]).toEqual(["Unit", "Service", "Install"]);
    expect(unit.get("Install")?.get("WantedBy")).toEqual(["multi-user.target"]);
    expect(unit.get("Unit")?.get("StartLimitIntervalSec")).toEqual(["0"]);
    expect(last(name, "Restart")).toBe("always");
  });

  test("does not run as root, and gains nothing", () => {
    expect(last(name, "User")).toBe(name.includes("@") ? "%i" : "exp");
    expect(last(name, "NoNewPrivileges")).toBe("yes");
    expect(last(name, "CapabilityBoundingSet")).toBe("");
    expect(last(name, "StateDirectoryMode")).toBe("0700");
  });
});

test("an agent's restart leaves running work alone", () => {
  const name = "exp-agent@.service";
  expect(last(name, "KillMode")).toBe("process");
  expect(last(name, "Delegate")).toBe("yes");
  expect(last(name, "OOMPolicy")).toBe("continue");
  // What would end work, hide its data, or be inherited by it.
  for (const key of [
    "ProtectControlGroups",
    "PrivateTmp",
    "PrivateDevices",
    "ProtectHome",
    "ProtectSystem",
    "ProtectClock",
  ]) {
    expect(service(name).has(key), key).toBe(false);
  }
  expect(service(name).has("OOMScoreAdjust")).toBe(false);
});

test.each(["exp-coordinator.service", "exp-nats.service"])("%s sees nothing but its own state", (name) => {
  expect(last(name, "ProtectSystem")).toBe("strict");
  expect(last(name, "ProtectHome")).toBe("yes");
  expect(last(name, "PrivateDevices")).toBe("yes");
});

test.each([
  ["exp-coordinator.service", COORDINATOR_SETTINGS, "--bus-credentials"],
  ["exp-agent@.service", AGENT_SETTINGS, "--join-token-file"],
])("%s starts its program with flags that it has", (name, settings, needed) => {
  const flags = last(name, "ExecStart")?.match(/--[\w-]+/g) ?? [];
  expect(flags).toContain(needed);
  for (const flag of flags) expect(Object.keys(settings)).toContain(flag.slice(2));
});
