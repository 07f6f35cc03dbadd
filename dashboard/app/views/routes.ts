/**
 * Which view belongs to which address. Each is a module of its own, loaded when it is first shown, so that the first page
 * does not wait for the charts. A module exports its view under the name that stands here.
 */
import type { ComponentType } from "preact";

export interface View {
  readonly pattern: string;
  readonly load: () => Promise<ComponentType<{ names: { readonly [name: string]: string } }>>;
}

export const VIEWS: readonly View[] = [{ pattern: "/", load: async () => (await import("./fleet.tsx")).Fleet }];
