/** deploy/compose.yaml and deploy/Dockerfile, as far as they can be checked without an engine. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { COORDINATOR_SETTINGS } from "../../../coordinator/config.ts";
import { parseYaml } from "../../helpers/simple-yaml.ts";

const DEPLOY = resolve(import.meta.dirname, "../../../deploy");
const dockerfile = readFileSync(resolve(DEPLOY, "Dockerfile"), "utf8");

const MOUNT = z.string().regex(/^[\w./-]+:\/[\w./-]+(:ro)?$/);
/** The part of the compose file format that is used here; a key that is not part of it is refused. */
const SERVICE = z.strictObject({
  image: z
    .string()
    .regex(/^[\w./-]+:[\w.-]+$/, "name a version")
    .optional(),
  build: z.strictObject({ context: z.literal(".."), dockerfile: z.string(), target: z.string() }).optional(),
  command: z.array(z.string()),
  profiles: z.array(z.string()).optional(),
  env_file: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(["service_started", "service_healthy"]) }))
    .optional(),
  volumes: z.array(MOUNT),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/, "publish on loopback only")).optional(),
  restart: z.literal("unless-stopped"),
  read_only: z.literal("true").optional(),
  init: z.literal("true").optional(),
  pid: z.literal("host").optional(),
  stop_grace_period: z.string().optional(),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string() }).optional(),
  deploy: z.unknown().optional(),
});
const COMPOSE = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), SERVICE),
  volumes: z.record(z.string(), z.null()),
});

const compose = COMPOSE.parse(parseYaml(readFileSync(resolve(DEPLOY, "compose.yaml"), "utf8")));
const services = Object.entries(compose.services);

test("the services are these", () => {
  expect(Object.keys(compose.services)).toEqual(["nats", "coordinator", "agent", "agent-gpu"]);
});

describe.each(services)("%s", (_, service) => {
  test("comes from an image or from a stage of the Dockerfile", () => {
    expect([service.image, service.build].filter((source) => source !== undefined)).toHaveLength(1);
    if (!service.build) return;
    expect(existsSync(resolve(DEPLOY, service.build.context, service.build.dockerfile))).toBe(true);
    expect(dockerfile).toMatch(new RegExp(`^FROM .* AS ${service.build.target}$`, "m"));
  });

  test("mounts declared volumes, files of this folder, and secrets that make-secrets.sh makes", () => {
    for (const mount of service.volumes) {
      const source = mount.split(":")[0] ?? "";
      const known = source.startsWith("./secrets/")
        ? ["./secrets/bus.json", "./secrets/token"].includes(source)
        : source.startsWith("./")
          ? existsSync(resolve(DEPLOY, source))
          : source in compose.volumes;
      expect(known, mount).toBe(true);
    }
  });

  test("waits for services that there are", () => {
    for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(other);
  });
});

test("every declared volume is used", () => {
  const used = services.flatMap(([, service]) => service.volumes.map((mount) => mount.split(":")[0]));
  for (const volume of Object.keys(compose.volumes)) expect(used).toContain(volume);
});

test("the coordinator is started with flags that it has", () => {
  const flags = compose.services.coordinator?.command.filter((word) => word.startsWith("--")) ?? [];
  expect(flags).toContain("--bus-credentials");
  for (const flag of flags) expect(Object.keys(COORDINATOR_SETTINGS)).toContain(flag.slice(2));
});

test("the images run nothing as root and install without scripts", () => {
  for (const stage of dockerfile.split(/^FROM /m).filter((text) => /AS (coordinator|agent)\n/.test(text))) {
    expect(stage).toMatch(/^USER (exp|1000)$/m);
    expect(stage).toMatch(/^ENTRYPOINT \["exp-(coordinator|agent)"\]$/m);
  }
  for (const install of dockerfile.match(/npm (ci|prune)[^\n&]*/g) ?? []) expect(install).toContain("--ignore-scripts");
});
