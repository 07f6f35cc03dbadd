import { describe, expect, it } from "vitest";
import { parentCandidates } from "../../../agent/process/cgroup.ts";

const V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n";
const HYBRID =
  "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

describe("parentCandidates", () => {
  it.each([
    [
      "a host with v2 only",
      V2,
      "0::/system.slice/a.service\n",
      ["/sys/fs/cgroup", "/sys/fs/cgroup/system.slice/a.service"],
    ],
    ["a hybrid host", HYBRID, "4:memory:/x\n0::/\n", ["/sys/fs/cgroup/unified"]],
    ["v1 only", "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n", "4:memory:/x\n", []],
    ["a place outside of the namespace", V2, "0::/../other\n", ["/sys/fs/cgroup"]],
    ["a mount point with a space", "c /mnt/my\\040cgroups cgroup2 rw 0 0\n", "0::/\n", ["/mnt/my cgroups"]],
    ["nothing", "", "", []],
  ])("%s", (_, mounts, own, expected) => {
    expect(parentCandidates(mounts, own)).toEqual(expected);
  });
});
