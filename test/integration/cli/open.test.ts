/** `exp open` in a terminal, with a stand-in for the program that starts the browser. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { redirectPage } from "../../../cli/browser.ts";
import { GetServerResponse } from "../../../proto/gen/runner/v1/control.ts";
import { startControlServer, TEST_TOKEN } from "../../helpers/control-server.ts";
import { createExpRig } from "../../helpers/exp-rig.ts";
import { startPty } from "../../helpers/pty.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { dir, tokenFile } = rig;

const tools = join(dir, "tools");
const state = join(dir, "state");
const said = join(dir, "arguments");
mkdirSync(tools);
for (const name of ["xdg-open", "open"]) {
  writeFileSync(join(tools, name), `#!/bin/sh\nprintf '%s\\n' "$@" > ${said}\n`, { mode: 0o755 });
}

/** Arguments of what started the browser. */
async function opened(): Promise<string[]> {
  const getServer = () => GetServerResponse.fromPartial({ httpAddress: "http://127.0.0.1:7717" });
  await using server = await startControlServer({ getServer });
  const env = { PATH: `${tools}:${process.env.PATH}`, HOME: dir, XDG_STATE_HOME: state, DISPLAY: ":9" };
  await using pty = startPty(["open", "--server", server.address, "--token-file", tokenFile], { cwd: dir, env });
  expect(await pty.ended()).toBe(0);
  expect(pty.raw()).toContain(`http://127.0.0.1:7717/#t=${TEST_TOKEN}`);
  return readFileSync(said, "utf8").trim().split("\n");
}

test("the token is in no argument, but in a file that only the user can read; the file before it is gone", async () => {
  const [first = "", ...rest] = await opened();
  expect(rest).toEqual([]);
  expect(first).not.toContain(TEST_TOKEN);
  const file = fileURLToPath(first);
  expect(readFileSync(file, "utf8")).toContain(`url=http://127.0.0.1:7717/#t=${TEST_TOKEN}"`);
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  expect((statSync(join(state, "exp", "open")).mode & 0o777).toString(8)).toBe("700");

  const [second = ""] = await opened();
  expect(second).not.toBe(first);
  expect(readdirSync(join(state, "exp", "open")).map((name) => join(state, "exp", "open", name))).toEqual([
    fileURLToPath(second),
  ]);
});

test("an address cannot leave its place in the file", () => {
  const page = redirectPage(`http://h/"><script>alert(1)</script>'&`);
  expect(page).not.toContain("<script>");
  expect(page.match(/"/g)).toHaveLength(redirectPage("http://h/").match(/"/g)?.length ?? 0);
});
