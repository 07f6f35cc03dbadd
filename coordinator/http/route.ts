/** Registers an answer by its line in the table of routes. */
import type { Context, Hono } from "hono";
import { ROUTES, type RouteName } from "../../shared/http/routes.ts";
import type { HttpEnv } from "./guard.ts";
import { readQuery } from "./query.ts";

export type Query<Name extends RouteName> = Partial<Record<keyof (typeof ROUTES)[Name]["query"] & string, string>>;

export type Answer<Name extends RouteName> = (c: Context<HttpEnv>, query: Query<Name>) => Response | Promise<Response>;

/** Refuses query parameters that the table does not have. */
export function answer<Name extends RouteName>(api: Hono<HttpEnv>, name: Name, handle: Answer<Name>): void {
  const { method, path, query } = ROUTES[name];
  const known = Object.keys(query) as (keyof Query<Name> & string)[];
  api.on(method, path, (c) => handle(c, readQuery(c, known)));
}

/** A parameter of the path. */
export function named(c: Context<HttpEnv>, name: string): string {
  return c.req.param(name) ?? "";
}
