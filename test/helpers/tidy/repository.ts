/** [P] House rules about the repository as a whole: words that must not appear, dependencies, the changelog. */
import type { SourceFile, Violation } from "./source.ts";
import { violationsOf } from "./source.ts";

/** Put together here, so that this file does not hold what it looks for. */
const MARKERS = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`, "g");
/** Home and work folders of real people and machines; the people of examples may have one. */
const HOME_PATH =
  /(?<![\w.])(\/root\/|\/work\/|\/(?:home|Users)\/(?!(?:alice|bob|carol|dave|exp|me|you|user|x)\b)\w+)/g;
const REGISTRY_HOST = new RegExp(
  `\\b(${["registry\\.npm" + "js", "npm" + "js\\.com", "py" + "pi\\.org", "pythonhosted\\.org", "deb\\.debian\\.org", "crates\\.io"].join("|")})\\b`,
  "g",
);

export function checkWords(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => [
    ...violationsOf(file, file.text, MARKERS, (word) => `${word}: do it now, or say in an issue what is missing.`),
    ...violationsOf(
      file,
      file.text,
      HOME_PATH,
      (path) => `${path} is one machine's path: derive it or take it as an argument.`,
    ),
    ...violationsOf(
      file,
      file.text,
      REGISTRY_HOST,
      (host) => `${host}: leave it to the package manager's own settings which registry it asks.`,
    ),
  ]);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Versions are exact, and installing this package runs nothing. */
export function checkManifest(file: SourceFile): Violation[] {
  const manifest = JSON.parse(file.text) as Manifest;
  const wanted = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  });
  const loose = wanted
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => ({ path: file.path, message: `${name} "${version}": pin one exact version.` }));
  const hooks = Object.keys(manifest.scripts ?? {})
    .filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$|^prepublish$/.test(name))
    .map((name) => ({ path: file.path, message: `script "${name}" runs at installation: call it by name instead.` }));
  return [...loose, ...hooks];
}

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

/**
 * Packages with an install script that we know and do without: set-up runs `npm ci --ignore-scripts`. buf's replaces its
 * launcher by the platform's program to start faster; protobufjs's only warns about its version scheme.
 */
const SCRIPTS_DONE_WITHOUT = ["@bufbuild/buf", "protobufjs"];

/** Everything installed is a registry package with a hash, and runs no code at installation. */
export function checkLock(file: SourceFile): Violation[] {
  const { packages = {} } = JSON.parse(file.text) as { packages?: Readonly<Record<string, LockedPackage>> };
  return Object.entries(packages).flatMap(([location, entry]): Violation[] => {
    if (location === "") return [];
    const name = location.slice(location.lastIndexOf("node_modules/") + "node_modules/".length);
    const violations: Violation[] = [];
    if (entry.hasInstallScript && !SCRIPTS_DONE_WITHOUT.includes(name)) {
      const mend = "take another package, or show that it works without and add it to SCRIPTS_DONE_WITHOUT";
      violations.push({ path: file.path, message: `${name} has an install script: ${mend}.` });
    }
    if (entry.link || /^(git|file|https?:(?!.*\.tgz$))/.test(entry.resolved ?? "")) {
      violations.push({ path: file.path, message: `${name} is not a registry package: use one.` });
    } else if (!entry.integrity) {
      violations.push({ path: file.path, message: `${name} has no integrity hash: run npm install again.` });
    }
    return violations;
  });
}

export function checkChangelog(file: SourceFile): Violation[] {
  const pending = file.text.match(/^## Pending\s*$/gm)?.length ?? 0;
  const first = /^## (.*)$/m.exec(file.text)?.[1]?.trim();
  if (pending === 1 && first === "Pending") return [];
  return [{ path: file.path, message: `needs one "## Pending" section, and it comes first; found ${pending}.` }];
}
