/** Root file systems to run in, and a container engine that needs neither root nor a daemon: Charliecloud. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/charliecloud.sh", import.meta.url));

/** Puts the engine first on the PATH of what is started from here on, and returns its folder. */
export function useCharliecloud(): string {
  const bin = execFileSync("sh", [SCRIPT], { encoding: "utf8", timeout: 300_000 }).trim();
  const path = process.env.PATH ?? "";
  if (!path.startsWith(bin)) process.env.PATH = `${bin}${delimiter}${path}`;
  return bin;
}

/** A small system of its own, with busybox for all programs. `/etc/inside` is there and on no host. */
export function makeImage(dir: string, bin: string): string {
  makeFolders(dir, ["bin"]);
  const busybox = join(bin, "busybox");
  copyFileSync(busybox, join(dir, "bin/busybox"));
  chmodSync(join(dir, "bin/busybox"), 0o755);
  const programs = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of programs) if (name !== "busybox") symlinkSync("busybox", join(dir, "bin", name));
  return dir;
}

/** One with nothing in it but places: the programs are those of the host's /usr, should that be mounted. */
export function makeEmptyImage(dir: string): string {
  makeFolders(dir, []);
  for (const name of ["bin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(dir, name));
  return dir;
}

function makeFolders(dir: string, more: readonly string[]): void {
  for (const name of ["dev", "proc", "sys", "etc", "tmp", "usr", ...more])
    mkdirSync(join(dir, name), { recursive: true });
  for (const name of ["passwd", "group"]) writeFileSync(join(dir, "etc", name), "");
  writeFileSync(join(dir, "etc/inside"), "this is inside\n");
}
