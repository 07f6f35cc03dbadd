import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { AppError, type ErrorCode } from "../../../shared/kernel/errors.ts";
import { ERROR_TRAILER, fromServiceError, isRetryable, toServiceError } from "../../../shared/wire/status.ts";

/** What a client gets from a call that failed with `error` on the server. */
function overTheWire(error: unknown) {
  const sent = toServiceError(error);
  return fromServiceError(Object.assign(new Error(`${sent.code} ${sent.details}`), sent));
}

function serviceError(code: status, details: string, metadata = new Metadata()) {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe("an AppError keeps everything a user needs", () => {
  const codes: ErrorCode[] = [
    "invalid",
    "not_found",
    "conflict",
    "unauthorized",
    "unavailable",
    "exhausted",
    "fenced",
    "timeout",
    "internal",
  ];
  test.each(codes)("%s", (code) => {
    const place = { file: "a.toml", line: 3, column: 7, text: "lr = ü", length: 2 };
    const back = overTheWire(new AppError(code, "wrong: “ü”", { id: "x.y", hint: "do this", place }));
    expect(back).toMatchObject({ code, message: "wrong: “ü”", id: "x.y", hint: "do this", place });
  });

  test("without details nothing is made up", () => {
    const back = overTheWire(new AppError("not_found", "no run"));
    expect([back.id, back.hint, back.place]).toEqual(["not_found", undefined, undefined]);
  });

  test("texts too long for a trailer are cut", () => {
    const long = "x".repeat(100_000);
    const place = { file: "a", line: 1, column: 1, text: long };
    const sent = toServiceError(new AppError("invalid", long, { hint: long, place }));
    expect(sent.details.length).toBeLessThan(4_000);
    expect(sent.metadata.get(ERROR_TRAILER)[0]?.length).toBeLessThan(4_000);
  });
});

test("an unexpected error does not leak its text", () => {
  const sent = toServiceError(new TypeError("secret /home/x"));
  expect(sent.code).toBe(status.INTERNAL);
  expect(sent.details).not.toContain("secret");
});

test.each([
  [status.UNAVAILABLE, "unavailable", true],
  [status.UNAUTHENTICATED, "unauthorized", false],
  [status.PERMISSION_DENIED, "forbidden", false],
  [status.DEADLINE_EXCEEDED, "timeout", true],
  [status.RESOURCE_EXHAUSTED, "exhausted", false],
  [status.UNIMPLEMENTED, "invalid", false],
  [status.DATA_LOSS, "internal", false],
] as const)("status %i of another origin is %s (retryable: %s)", (code, expected, retryable) => {
  const error = fromServiceError(serviceError(code, "x"));
  expect(error.code).toBe(expected);
  expect(isRetryable(error)).toBe(retryable);
});

test("a refused connection is said in the system's words", () => {
  const details =
    "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:7718. Resolution note: ";
  expect(fromServiceError(serviceError(status.UNAVAILABLE, details)).message).toBe(
    "cannot reach the coordinator (connect ECONNREFUSED 127.0.0.1:7718)",
  );
});

test.each(["", "{", "[]", "null", '{"code":"constructor"}', '{"code":7}'])("a trailer of %j is passed over", (text) => {
  const metadata = new Metadata();
  metadata.set(ERROR_TRAILER, Buffer.from(text));
  expect(fromServiceError(serviceError(status.NOT_FOUND, "gone", metadata))).toMatchObject({
    code: "not_found",
    message: "gone",
  });
});

test.each([[new Error("boom")], ["boom"]])("what is no status is internal", (error) => {
  expect(fromServiceError(error)).toMatchObject({ code: "internal", message: "boom" });
});
