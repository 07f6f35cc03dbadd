/** [P] The description of the HTTP API in OpenAPI 3.1, made from the table of routes. */
import { z } from "zod";
import { ACTION_BODIES } from "./actions.ts";
import { ROUTES, type Route } from "./routes.ts";

const ERROR_SCHEMA = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { type: "string", description: "One of a small closed set, such as invalid or not_found." },
        message: { type: "string", description: "One line for people." },
        id: { type: "string", description: "Stable name of this refusal, such as ref.unknown." },
        hint: { type: "string", description: "What to do about it." },
        place: {
          type: "object",
          description: "Where in a sweep file or an expression; lines and columns count from 1.",
        },
      },
    },
  },
};

/** `version`: of the program. */
export function openApiDocument(version: string): object {
  const paths: { [path: string]: { [method: string]: object } } = {};
  for (const [name, route] of Object.entries(ROUTES)) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operationOf(name, route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "ExpFleet",
      version,
      description:
        "The HTTP API of a coordinator, which the dashboard uses too. Times in views (RunView, SweepView, NodeView) are ISO 8601 in " +
        "UTC; elsewhere times are Unix milliseconds and durations milliseconds. Keys are only ever added.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "The coordinator's token." } },
      responses: {
        Refused: {
          description:
            "Refused: 400 what was asked, 401 the token, 403 the origin, 404 what is named, 409, 413, 421, 429, 503.",
          content: { "application/json": { schema: ERROR_SCHEMA } },
        },
      },
    },
  };
}

function operationOf(name: string, route: Route): object {
  const names = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? "");
  const parameters = [
    ...names.map((key) => ({
      name: key,
      in: "path",
      required: true,
      schema: { type: "string" },
      description: PARTS[key],
    })),
    ...Object.entries(route.query).map(([key, description]) => {
      return { name: key, in: "query", required: false, schema: { type: "string" }, description };
    }),
    ...(route.body === undefined ? [] : [IDEMPOTENCY_KEY]),
  ];
  return {
    operationId: name,
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: bodySchema(route.body) } } },
    }),
    ...(route.bytes && { requestBody: { required: true, content: { "application/octet-stream": {} } } }),
    responses: {
      200: { description: route.answer, content: { [route.type]: {} } },
      default: { $ref: "#/components/responses/Refused" },
    },
  };
}

const PARTS: { readonly [name: string]: string } = {
  ref: "A handle such as digits.1.4 or digits.1, or the id of a run.",
  name: "Name of a node.",
  id: "Number of an artifact, as its list gives it.",
  hash: "SHA-256 of the content: 64 hex digits.",
};

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  schema: { type: "string", maxLength: 200 },
  description: "The same request with the same key is done once; a repeat within ten minutes gets the same answer.",
};

function bodySchema(name: keyof typeof ACTION_BODIES): object {
  const { $schema: _, ...schema } = z.toJSONSchema(ACTION_BODIES[name], { io: "input" });
  return schema;
}
