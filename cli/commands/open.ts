/** `exp open`: the dashboard, at a run or a sweep where one is named. */
import { AppError } from "../../shared/kernel/errors.ts";
import { parseToken } from "../../shared/kernel/token.ts";
import { openInBrowser } from "../browser.ts";
import { EXIT } from "../exit-codes.ts";
import type { Command, Session } from "../session.ts";
import { shownSweep } from "../shown-sweep.ts";

const LOOPBACK = /^(?:127\.|\[::1\]|localhost)/;
const ANYWHERE = /^(?:0\.0\.0\.0|\[::\])/;

export const open: Command = {
  options: { "no-browser": { describe: "print the address, open nothing", type: "flag" } },
  examples: [["exp open digits.1", "the page of a sweep"]],
  async run(session, args) {
    const client = await session.connect();
    const { address, token } = await session.locate();
    const { httpAddress } = await client.getServer();
    if (httpAddress === "") {
      throw new AppError("unavailable", "the coordinator serves no dashboard", { id: "server.no-dashboard" });
    }
    const ref = args.text("ref");
    const path = ref === undefined ? "/" : await pathOf(session, ref);
    const { secret, certificate } = parseToken(token ?? "");
    const url = new URL(path, baseOf(httpAddress, address, certificate !== undefined)).href;
    const { stdoutIsTty } = session.config.terminal;
    // The token is for the browser alone: the part after # is not sent, and a file or a pipe does not get it.
    const shown = stdoutIsTty && token !== undefined ? `${url}#t=${encodeURIComponent(secret)}` : url;
    await session.out.single({ json: { url }, lines: [shown], name: url });
    if (LOOPBACK.test(new URL(url).host) && !LOOPBACK.test(address)) {
      const port = new URL(url).port;
      session.out.note(`it listens on its own machine only: ssh -L ${port}:127.0.0.1:${port} ${hostOf(address)}`);
      return EXIT.ok;
    }
    if (stdoutIsTty && !args.flag("no-browser")) {
      const { environment, openDir: directory } = session.config;
      const problem = await openInBrowser(shown, { environment, platform: process.platform, directory });
      if (problem !== undefined) session.out.note(problem);
    }
    return EXIT.ok;
  },
};

async function pathOf(session: Session, ref: string): Promise<string> {
  const client = await session.connect();
  const sweep = await shownSweep(client, ref);
  if (sweep) return `/sweeps/${encodeURIComponent(sweep.ref)}`;
  const { run } = await client.getRun(ref);
  return `/runs/${encodeURIComponent(run?.ref ?? ref)}`;
}

/** Where the page listens everywhere, the host is the one that answers us. */
function baseOf(http: string, grpc: string, isSecure: boolean): string {
  const address = http.replace(/^https?:\/\//, "");
  return `${isSecure ? "https" : "http"}://${ANYWHERE.test(address) ? `${hostOf(grpc)}${address.slice(address.lastIndexOf(":"))}` : address}`;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
