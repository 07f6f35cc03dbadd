/** The address that a host gives to others. */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { ownAddress } from "../../../agent/device/own-address.ts";

const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
const outer = all.find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.each(["127.0.0.1:7718", "localhost:7718", "[::1]:7718"])(
  "beside its coordinator at %s: what others see",
  async (at) => {
    const address = await ownAddress(at);
    expect(isIP(address)).toBeGreaterThan(0);
    if (outer !== undefined) expect(address).toBe(outer);
  },
);

test("by the way to its coordinator", async () => {
  const place = outer ?? "127.0.0.1";
  expect(await ownAddress(`${place}:7718`)).toBe(place);
});

test("its name, where the coordinator cannot be found", async () => {
  expect(await ownAddress("no-such-host.invalid:7718")).toBe(hostname());
});
