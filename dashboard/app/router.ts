/**
 * Where the user is: path and query, in the address bar, so that every view can be linked to and the Back button works.
 * A view keeps its whole state in the query; what is not there is its default.
 */
import { signal } from "@preact/signals";

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

export const place = signal<Place>(read());

/** A view in which something is edited can ask before it is left; undefined: leave. */
let guard: (() => string | undefined) | undefined;

addEventListener("popstate", () => {
  place.value = read();
});

/** Goes to `url`, a path with an optional query. `replace`: without a step for the Back button. */
export function go(url: string, replace = false): void {
  const question = guard?.();
  if (question !== undefined && !confirm(question)) return;
  history[replace ? "replaceState" : "pushState"](null, "", url);
  place.value = read();
  if (!replace) scrollTo(0, 0);
}

/** Changes keys of the query; undefined or "" removes one. */
export function setQuery(changes: { readonly [key: string]: string | undefined }, replace = true): void {
  const query = new URLSearchParams(place.value.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  go(`${place.value.path}${text === "" ? "" : `?${text}`}`, replace);
}

export function queryOf(key: string): string {
  return place.value.query.get(key) ?? "";
}

/** A choice of yes or no in the query; `usual` where it says nothing. */
export function isOn(key: string, usual = false): boolean {
  const value = queryOf(key);
  return value === "" ? usual : value === "1";
}

export function guardLeaving(question: (() => string | undefined) | undefined): void {
  guard = question;
}

/** `/runs/:ref` against "/runs/digits.1.4" gives `{ ref: "digits.1.4" }`; undefined where it does not fit. */
export function match(pattern: string, path: string): { readonly [name: string]: string } | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/\/+$/, "").split("/");
  if (wanted.length !== given.length && !(pattern === "/" && path === "/")) return undefined;
  const names: { [name: string]: string } = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? "";
    if (part.startsWith(":")) names[part.slice(1)] = decode(value);
    else if (part !== value) return undefined;
  }
  return names;
}

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A bad escape in an address that somebody typed: taken as it is.
    return text;
  }
}
