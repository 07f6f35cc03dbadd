/**
 * Which view belongs to which address. Each is a module of its own, loaded when it is first shown, so that the first page
 * does not wait for the charts. A module exports its view under the name that stands here.
 */
import type { ComponentType } from "preact";

export interface View {
  readonly pattern: string;
  readonly load: () => Promise<ComponentType<{ names: { readonly [name: string]: string } }>>;
}

export const VIEWS: readonly View[] = [
  { pattern: "/", load: async () => (await import("./fleet.tsx")).Fleet },
  { pattern: "/queue", load: async () => (await import("./queue.tsx")).Queue },
  { pattern: "/runs", load: async () => (await import("./runs.tsx")).Runs },
  { pattern: "/sweeps", load: async () => (await import("./sweeps.tsx")).Sweeps },
  { pattern: "/sweeps/:ref", load: async () => (await import("./sweep.tsx")).Sweep },
  { pattern: "/compare", load: async () => (await import("./compare.tsx")).Compare },
  { pattern: "/runs/:ref", load: async () => (await import("./run.tsx")).Run },
  { pattern: "/nodes/:name", load: async () => (await import("./node.tsx")).Node },
  { pattern: "/submit", load: async () => (await import("./submit.tsx")).Submit },
  { pattern: "/events", load: async () => (await import("./events.tsx")).Events },
  { pattern: "/usage", load: async () => (await import("./usage.tsx")).Usage },
  { pattern: "/settings", load: async () => (await import("./settings.tsx")).Settings },
];
