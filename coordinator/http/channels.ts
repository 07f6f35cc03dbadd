/** How the channels to receivers outside are. Their addresses and secrets stay where they are. */
import type { Hono } from "hono";
import type { ChannelView } from "../../shared/run/notify.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { HttpEnv } from "./guard.ts";
import { answer } from "./route.ts";

export function addChannels(api: Hono<HttpEnv>, deps: Pick<ReadDeps, "channels">): void {
  answer(api, "channels", (c) => {
    const body: ChannelView[] = deps.channels().map(({ name, waiting, problem }) => {
      const at = name.indexOf(":");
      return { kind: name.slice(0, at), name: name.slice(at + 1), waiting, problem };
    });
    return c.json(body);
  });
}
