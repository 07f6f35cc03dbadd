/** [P] Files of other programs as sweep files: which program's it is, and the converter for it. */
import { type Conversion, convertProblem, type ForeignFile } from "./conversion.ts";
import { convertDetermined, isDetermined } from "./determined.ts";
import { convertExp } from "./exp-toml.ts";
import { convertGuild } from "./guild.ts";
import { convertWandb, isWandb } from "./wandb.ts";
import { readYaml, type YamlMap } from "./yaml-reader.ts";

export const FOREIGN_KINDS = ["wandb", "determined", "guild", "exp"] as const;
export type ForeignKind = (typeof FOREIGN_KINDS)[number];

/** `kind`: where it is known; else told by the name and the contents. */
export function convertFile(file: ForeignFile, kind: ForeignKind | undefined): Conversion {
  const known = kind ?? kindByName(file.path);
  if (known === "guild") return convertGuild(file);
  if (known === "exp") return convertExp(file);
  const root = readYaml(file.text);
  if ("message" in root) return convertProblem(file, root.message, root.start);
  if (root.kind !== "map") return convertProblem(file, "the file is no map of keys", 0, HINT);
  const yamlKind = known ?? kindByKeys(root);
  if (yamlKind === undefined) return convertProblem(file, "it is not clear whose file this is", 0, HINT);
  return yamlKind === "wandb" ? convertWandb(file, root) : convertDetermined(file, root);
}

const HINT = `say it by --from: ${FOREIGN_KINDS.join(", ")}`;

function kindByName(path: string): "guild" | "exp" | undefined {
  if (/\.csv$/i.test(path)) return "guild";
  return /\.toml$/i.test(path) ? "exp" : undefined;
}

function kindByKeys(root: YamlMap): "wandb" | "determined" | undefined {
  if (isWandb(root)) return "wandb";
  return isDetermined(root) ? "determined" : undefined;
}
