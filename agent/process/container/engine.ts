/** Finds the program that runs containers on this host, and asks it what it is. */
import { execa } from "execa";
import { AppError } from "../../../shared/kernel/errors.ts";
import { onPath } from "../find-program.ts";
import { ENGINE_NAMES, type Engine, type EngineName } from "./command.ts";
import { userName } from "./user-name.ts";

type HostEnv = { readonly [name: string]: string | undefined };

/** A program on PATH, with what it says of itself; `problem`: why it cannot be used. */
type Asked = Engine | { readonly problem: string };

const PROGRAMS: Record<EngineName, readonly string[]> = {
  docker: ["docker"],
  podman: ["podman"],
  apptainer: ["apptainer", "singularity"],
  charliecloud: ["ch-run"],
};
const ANSWER_MS = 10_000;

/**
 * The engine of this host for `--container-engine`: "auto" (the first that works, in the order of `ENGINE_NAMES`), "none", or
 * one by name. Undefined where there is none. Throws `invalid` for another word, `unavailable` for a named one that does not
 * work.
 */
export async function findEngine(option: string, env: HostEnv): Promise<Engine | undefined> {
  if (option === "none") return undefined;
  if (option === "auto") {
    for (const name of ENGINE_NAMES) {
      const found = await askEngine(name, env);
      if (!("problem" in found)) return found;
    }
    return undefined;
  }
  const name = ENGINE_NAMES.find((known) => known === option);
  if (!name) {
    const message = `--container-engine ${JSON.stringify(option)} is not known`;
    throw new AppError("invalid", message, {
      id: "agent.container-engine",
      hint: `auto, none, ${ENGINE_NAMES.join(", ")}`,
    });
  }
  const found = await askEngine(name, env);
  if (!("problem" in found)) return found;
  throw new AppError("unavailable", `--container-engine ${name}: ${found.problem}`, {
    id: "agent.container-engine",
    hint: "start or repair it, or choose another one: exp-agent doctor shows what is there",
  });
}

/** "docker 28.2.2"; empty for none. */
export function describeEngine(engine: Engine | undefined): string {
  return engine ? `${engine.name} ${engine.version}` : "";
}

async function askEngine(name: EngineName, env: HostEnv): Promise<Asked> {
  const programs = PROGRAMS[name];
  const program = programs.map((one) => onPath(one, env.PATH)).find((path) => path !== undefined);
  if (program === undefined) return { problem: `there is no ${programs.join(" or ")} on PATH` };
  const plain = { name, program, rootless: false, overlay: true };
  switch (name) {
    case "docker": {
      // Not the client's version: without its daemon it starts nothing.
      const told = await ask(program, ["info", "--format", "{{.ServerVersion}} {{.SecurityOptions}}"], env);
      const version = /^(\d\S*) /.exec(told.text)?.[1];
      return version === undefined ? told : { ...plain, version, rootless: told.text.includes("name=rootless") };
    }
    case "podman": {
      const told = await ask(program, ["info", "--format", "{{.Version.Version}} {{.Host.Security.Rootless}}"], env);
      const version = /^(\d\S*) /.exec(told.text)?.[1];
      return version === undefined ? told : { ...plain, version, rootless: told.text.endsWith(" true") };
    }
    case "apptainer": {
      const told = await ask(program, ["--version"], env);
      const version = /(\d+\.\d\S*)/.exec(told.text)?.[1];
      return version === undefined ? told : { ...plain, version };
    }
    case "charliecloud": {
      const [told, help] = await Promise.all([ask(program, ["--version"], env), ask(program, ["--help"], env)]);
      const version = /(\d+\.\d\S*)/.exec(told.text)?.[1];
      return version === undefined ? told : { ...plain, version, overlay: help.text.includes("--write-fake") };
    }
  }
}

/** What it prints, and the last line of that as what is wrong should it not be what was hoped for. */
async function ask(program: string, args: readonly string[], env: HostEnv): Promise<{ text: string; problem: string }> {
  const { all, failed, timedOut } = await execa(program, args, {
    // Charliecloud does not even tell its version to somebody without a name.
    env: { USER: userName(), ...env },
    extendEnv: false,
    reject: false,
    all: true,
    timeout: ANSWER_MS,
  });
  const text = all.trim();
  const said = timedOut ? "does not answer" : `says: ${text.split("\n").at(-1)?.slice(0, 200) || "nothing"}`;
  return { text: failed ? "" : text, problem: `${program} ${said}` };
}
