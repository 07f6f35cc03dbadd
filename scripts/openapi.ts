/** Writes docs/api/openapi.json, the description of the HTTP API: node scripts/openapi.ts */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiDocument } from "../shared/http/openapi.ts";
import { VERSION } from "../shared/version.ts";

const directory = join(import.meta.dirname, "..", "docs", "api");
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "openapi.json"), `${JSON.stringify(openApiDocument(VERSION), undefined, 2)}\n`);
