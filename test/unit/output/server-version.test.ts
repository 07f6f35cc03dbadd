import { describe, expect, it } from "vitest";
import { checkServerVersion } from "../../../coordinator/stream/topology.ts";

describe("version of the NATS server", () => {
  it.each(["2.10.27", "2.10.27-RC.1", "2.11.0", "2.15.1", "3.0.0"])("%s is right", (version) => {
    expect(checkServerVersion(version)).toBeUndefined();
  });
  it.each(["2.9.0", "2.9.10", "2.10.26"])("%s is warned about", (version) => {
    expect(checkServerVersion(version)).toContain(version);
  });
  it.each(["2.8.4", "1.4.1", ""])("%s is refused", (version) => {
    expect(() => checkServerVersion(version)).toThrow(/too old/);
  });
});
