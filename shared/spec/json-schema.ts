/**
 * The JSON Schema (draft 2020-12) of sweep files, for editors: made from the same list of keys that the parser reads by, so
 * that the two cannot differ in a key. It says less than the parser in what a schema cannot say.
 */

import { DISTRIBUTION_KINDS } from "../sampling/distribution.ts";
import { SERIES_KINDS } from "../sampling/series.ts";
import { STYLE_WORDS } from "./args.ts";
import type { Key, Keys, KeyType, OwnForm } from "./key.ts";
import { OPEN_TABLES, OWN_LIMITS, RUNS_KEYS, SECTION_KEYS, SWEEP_KEYS, VARIANT_KEYS } from "./sweep-keys.ts";

/** A JSON value that is a schema. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Every key of a sweep file is in here, and nothing else is. */
export function sweepSchema(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ExpFleet sweep file",
    type: "object",
    properties: {
      ...propertiesOf(SWEEP_KEYS),
      ...propertiesOf(OPEN_TABLES),
      ...Object.fromEntries(Object.entries(SECTION_KEYS).map(([name, keys]) => [name, tableOf(keys)])),
    },
    additionalProperties: false,
    anyOf: [{ required: ["name"] }, { required: ["extends"] }],
    $defs: DEFINITIONS,
  };
}

/** As a file. */
export function sweepSchemaText(): string {
  return `${JSON.stringify(sweepSchema(), null, 2)}\n`;
}

function tableOf(keys: Keys): Schema {
  return { type: "object", properties: propertiesOf(keys), additionalProperties: false };
}

function propertiesOf(keys: Keys): Schema {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, propertyOf(name, key)]));
}

function propertyOf(name: string, key: Key): Schema {
  const without = key.without === undefined ? "" : ` Without it: ${key.without}.`;
  const description = `${key.doc[0]?.toUpperCase()}${key.doc.slice(1)}.${without}`.replaceAll("`", "");
  return { description, ...schemaOf(name, key.type) };
}

function schemaOf(name: string, type: KeyType): Schema {
  switch (type.kind) {
    case "own":
      return ownSchema(name, type.form);
    case "boolean":
      return orComputed({ type: "boolean" });
    case "integer":
      return orComputed({ type: "integer", minimum: type.min, maximum: type.max });
    case "number":
      return orComputed({ type: "number", minimum: type.min, maximum: type.max });
    case "integers":
      return listOf({ type: "integer", minimum: type.min, maximum: type.max });
    case "word":
      return orComputed({ enum: type.words });
    case "words":
      return listOf({ enum: type.words });
    case "texts":
      return listOf({ type: "string" });
    case "expressions":
      return { anyOf: [{ type: "string" }, listOf({ type: "string" })] };
    case "duration":
      return orComputed({ type: "string", pattern: DURATION, examples: ["90s", "1h30m", "2d"] });
    case "size":
      return orComputed({ type: "string", examples: ["16GB", "512MB"] });
    case "text":
    case "path":
    case "expression":
      return orComputed({ type: "string", minLength: 1 });
  }
}

const DURATION = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$";

function ref(name: keyof typeof DEFINITIONS): Schema {
  return { $ref: `#/$defs/${name}` };
}

function listOf(items: Schema): Schema {
  return { type: "array", items };
}

/** `{ expr = "…" }` is computed for each point. */
function orComputed(schema: Schema): Schema {
  return { anyOf: [schema, { $ref: "#/$defs/computed" }] };
}

function ownSchema(name: string, form: OwnForm): Schema {
  switch (form) {
    case "command":
      return {
        anyOf: [
          { type: "string", minLength: 1 },
          { ...listOf({ type: "string" }), minItems: 1 },
        ],
      };
    case "env":
      return { type: "object", additionalProperties: orComputed({ type: ["string", "number", "boolean"] }) };
    case "args":
      return {
        anyOf: [{ enum: STYLE_WORDS.filter((word) => word !== "file") }, { type: "string", pattern: "^file:." }],
      };
    case "parameters":
      return ref("parameters");
    case "axes":
      return ref(name === "seeds" ? "axis" : "axes");
    case "zip":
      return { anyOf: [ref("axes"), listOf(ref("axes"))] };
    case "variants":
      return listOf(tableOf(VARIANT_KEYS));
    case "space":
      return ref("space");
    case "derive":
      return ref("derive");
    case "runs":
      return listOf(tableOf(RUNS_KEYS));
    case "gpu":
    case "backoff":
      return orComputed({ type: "string", minLength: 1 });
    case "alternatives": {
      const { alternatives: _, ...keys } = SECTION_KEYS.resources;
      return listOf(tableOf(keys));
    }
    case "remedies":
      return listOf({
        type: "object",
        properties: { when: { type: "string" }, set: { type: "object", additionalProperties: { type: "string" } } },
        additionalProperties: false,
      });
    case "table":
      return tableOf(innerKeys(name));
    case "date":
      return {};
    case "refused":
      return { not: {} };
  }
}

/** Keys of a table within a variant or a run. */
function innerKeys(name: string): Keys {
  const keys: Keys = Object.hasOwn(SECTION_KEYS, name) ? SECTION_KEYS[name as keyof typeof SECTION_KEYS] : {};
  if (name !== "limits") return keys;
  const own: readonly string[] = OWN_LIMITS;
  return Object.fromEntries(Object.entries(keys).filter(([key]) => own.includes(key)));
}

const NUMBERS = listOf({ type: "number" });

const DEFINITIONS = {
  value: {
    anyOf: [
      { type: ["boolean", "number", "string"] },
      listOf({ $ref: "#/$defs/value" }),
      { type: "object", additionalProperties: { $ref: "#/$defs/value" } },
    ],
  },
  computed: {
    description: "Computed for each point",
    type: "object",
    properties: { expr: { type: "string", minLength: 1 } },
    required: ["expr"],
    additionalProperties: false,
  },
  parameters: { type: "object", additionalProperties: { $ref: "#/$defs/value" } },
  axes: {
    type: "object",
    additionalProperties: { anyOf: [{ $ref: "#/$defs/axis" }, { $ref: "#/$defs/axes" }] },
  },
  axis: { anyOf: [{ ...listOf({ $ref: "#/$defs/value" }), minItems: 1 }, { $ref: "#/$defs/series" }] },
  series: {
    description: "A list of values in short",
    type: "object",
    properties: {
      ...Object.fromEntries(SERIES_KINDS.map((kind) => [kind, { ...NUMBERS, minItems: 1, maxItems: 3 }])),
      file: { type: "string", minLength: 1 },
    },
    minProperties: 1,
    maxProperties: 1,
    additionalProperties: false,
  },
  space: {
    type: "object",
    additionalProperties: { anyOf: [{ $ref: "#/$defs/distribution" }, { $ref: "#/$defs/space" }] },
  },
  distribution: {
    type: "object",
    properties: {
      ...Object.fromEntries(
        DISTRIBUTION_KINDS.map((kind) => [
          kind,
          kind === "choice"
            ? { ...listOf({ $ref: "#/$defs/value" }), minItems: 1 }
            : { ...NUMBERS, minItems: 2, maxItems: 2 },
        ]),
      ),
      step: { type: "number", exclusiveMinimum: 0 },
      weights: listOf({ type: "number", minimum: 0 }),
    },
    minProperties: 1,
    additionalProperties: false,
  },
  derive: {
    type: "object",
    additionalProperties: { anyOf: [{ type: "string" }, { $ref: "#/$defs/derive" }] },
  },
} as const satisfies { readonly [name: string]: Schema };
