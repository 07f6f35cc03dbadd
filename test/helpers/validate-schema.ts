/** As much of JSON Schema as ours uses, to hold the schema of sweep files against sweep files. */

type Json = unknown;
type Table = { readonly [key: string]: Json };

/** Paths of the values that the schema refuses; empty: it takes the whole. */
export function schemaErrors(root: Table, value: Json): string[] {
  return errorsOf(root, root, value, "");
}

const CHECKED = [
  ...["$schema", "$defs", "title", "description", "examples"],
  ...["$ref", "anyOf", "not", "enum", "type", "properties", "additionalProperties", "required", "items", "pattern"],
  ...["minimum", "maximum", "exclusiveMinimum", "minLength", "minItems", "maxItems", "minProperties", "maxProperties"],
];

function errorsOf(root: Table, schema: Table, value: Json, path: string): string[] {
  const unknown = Object.keys(schema).find((keyword) => !CHECKED.includes(keyword));
  if (unknown !== undefined) throw new Error(`${unknown} is not checked here`);
  const errors: string[] = [];
  const expectThat = (holds: boolean) => {
    if (!holds) errors.push(path || ".");
  };
  if (typeof schema.$ref === "string") errors.push(...errorsOf(root, defined(root, schema.$ref), value, path));
  if (schema.anyOf) {
    expectThat((schema.anyOf as Table[]).some((each) => errorsOf(root, each, value, path).length === 0));
  }
  if (schema.not) expectThat(errorsOf(root, schema.not as Table, value, path).length > 0);
  if (schema.enum) expectThat((schema.enum as Json[]).includes(value));
  if (schema.type) expectThat([schema.type].flat().some((type) => isOf(type, value)));
  if (typeof value === "string") {
    if (schema.pattern !== undefined) expectThat(new RegExp(schema.pattern as string, "u").test(value));
    expectThat(value.length >= ((schema.minLength as number) ?? 0));
  }
  if (typeof value === "number" || typeof value === "bigint") {
    expectThat(value >= ((schema.minimum as number) ?? Number.NEGATIVE_INFINITY));
    expectThat(value <= ((schema.maximum as number) ?? Number.POSITIVE_INFINITY));
    if (schema.exclusiveMinimum !== undefined) expectThat(value > (schema.exclusiveMinimum as number));
  }
  if (Array.isArray(value)) {
    expectThat(value.length >= ((schema.minItems as number) ?? 0));
    expectThat(value.length <= ((schema.maxItems as number) ?? Number.POSITIVE_INFINITY));
    const { items } = schema;
    if (items) errors.push(...value.flatMap((item, i) => errorsOf(root, items as Table, item, `${path}[${i}]`)));
  } else if (typeof value === "object" && value !== null) {
    errors.push(...tableErrors(root, schema, value as Table, path));
  }
  return errors;
}

function tableErrors(root: Table, schema: Table, value: Table, path: string): string[] {
  const keys = Object.keys(value);
  const errors: string[] = [];
  const properties = (schema.properties ?? {}) as Table;
  for (const key of (schema.required ?? []) as string[])
    if (!keys.includes(key)) errors.push(`${path}.${key} is missing`);
  if (keys.length < ((schema.minProperties as number) ?? 0)) errors.push(path);
  if (keys.length > ((schema.maxProperties as number) ?? Number.POSITIVE_INFINITY)) errors.push(path);
  for (const key of keys) {
    const own = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
    if (own === false) errors.push(`${path}.${key}`);
    else if (typeof own === "object") errors.push(...errorsOf(root, own as Table, value[key], `${path}.${key}`));
  }
  return errors;
}

function defined(root: Table, ref: string): Table {
  const found = (root.$defs as Table | undefined)?.[ref.replace("#/$defs/", "")];
  if (!found) throw new Error(`${ref} is not defined`);
  return found as Table;
}

function isOf(type: Json, value: Json): boolean {
  switch (type) {
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
    case "integer":
      return typeof value === "bigint";
    case "number":
      return typeof value === "number" || typeof value === "bigint";
    default:
      return typeof value === type;
  }
}
