/** Names of artifacts: whatever a program says, nothing outside of a directory is meant, and nothing surprising is shown. */
import { expect, test } from "vitest";
import { artifactKind, artifactName, artifactPath, isArtifactName } from "../../../shared/run/artifacts.ts";

test.each([
  ["best.pt", "best.pt"],
  ["ckpt/step 5.pt", "ckpt/step 5.pt"],
  ["../../etc/passwd", "etc/passwd"],
  ["/abs/x", "abs/x"],
  ["a\\..\\b", "a/b"],
  ["a/./b//c", "a/b/c"],
  ["..", "unnamed"],
  ["", "unnamed"],
  ["-rf", "_rf"],
  ["a/--force", "a/_force"],
  ["a\nb\u0000c", "a_b_c"],
  ["\u202egnp.exe", "_gnp.exe"],
  ["\u001b]0;pwn\u0007", "_]0;pwn_"],
  ["\ud800", "_"],
  ["模型/最佳.pt", "模型/最佳.pt"],
])("%j is called %j", (text, name) => {
  expect(artifactName(text)).toBe(name);
  expect(isArtifactName(name)).toBe(true);
});

test("long names keep their end, and fit a file system", () => {
  const name = artifactName(`${"x".repeat(5_000)}.pt`);
  expect(name).toMatch(/x\.pt$/);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
  const deep = artifactName(`${"deep/".repeat(400)}model.pt`);
  expect(deep).toBe("model.pt");
});

test("what is refused", () => {
  for (const text of ["", "/a", "a/", "a//b", "../a", "a/..", "-a", "a\nb"]) expect(isArtifactName(text)).toBe(false);
});

test("places and kinds", () => {
  expect(artifactPath({ name: "m.pt", kind: "checkpoint", step: 5 })).toBe("checkpoints/step-5/m.pt");
  expect(artifactPath({ name: "m.pt", kind: "checkpoint", step: null })).toBe("checkpoints/m.pt");
  expect(artifactPath({ name: "m.pt", kind: "weights", step: 5 })).toBe("artifacts/m.pt");
  expect([artifactKind("Check Point!"), artifactKind(""), artifactKind("..")]).toEqual(["check-point", "file", "file"]);
});
