/** The description of the HTTP API is current, says what it must, and is told about in docs/http-api.md. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACTION_BODIES } from "../../../shared/http/actions.ts";
import { openApiDocument } from "../../../shared/http/openapi.ts";
import { ROUTES } from "../../../shared/http/routes.ts";
import { VERSION } from "../../../shared/version.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const document = JSON.parse(read("docs/api/openapi.json"));

test("docs/api/openapi.json is what the table of routes gives: else run `node scripts/openapi.ts`", () => {
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(VERSION))));
});

test("every route has its operation, with its parameters and a refusal", () => {
  for (const [name, { method, path, query }] of Object.entries(ROUTES)) {
    const operation = document.paths[path.replace(/:(\w+)/g, "{$1}")][method];
    expect(operation.operationId).toBe(name);
    expect(operation.responses.default).toEqual({ $ref: "#/components/responses/Refused" });
    const named = (operation.parameters ?? []).map((parameter: { name: string }) => parameter.name);
    expect(named).toEqual(expect.arrayContaining(Object.keys(query)));
  }
});

test("every action has its body, which names no further field", () => {
  for (const name of Object.keys(ACTION_BODIES)) {
    const schema = document.paths[`/actions/${name}`].post.requestBody.content["application/json"].schema;
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
  }
});

test("the page lists every route", () => {
  const page = read("docs/http-api.md");
  for (const { path } of Object.values(ROUTES))
    expect(page).toContain(`\`${path.replace(/:(\w+)/g, (_, part: string) => part.toUpperCase())}\``);
});
