import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type FaultCode, faultCodes } from "../../src/runtime/fault.ts";
import { statusOf } from "../../src/server/status.ts";
import { codesIn, readTables } from "./tables.ts";

const rows = readTables("docs/errors.md").map(({ cells }) => ({
  cells,
  code: codesIn(cells["code"] ?? "")[0] as FaultCode,
}));

describe("docs/errors.md", () => {
  it("lists every code, in the order of the code", () => {
    expect(rows.map(({ code }) => code)).toEqual(Object.keys(faultCodes));
  });

  it("says what the table says", () => {
    for (const { cells, code } of rows) {
      expect(cells["meaning"], code).toBe(faultCodes[code].meaning);
      expect(cells["retryable"], code).toBe(faultCodes[code].retryable ? "yes" : "no");
    }
  });

  it("says which status a remote caller gets", () => {
    for (const { cells, code } of rows) {
      expect(cells["gRPC status"], code).toBe(status[statusOf[code].grpc]);
      expect(cells["HTTP status"], code).toBe(String(statusOf[code].http));
    }
  });

  it("says what to do", () => {
    for (const { cells, code } of rows) expect(cells["what to do"], code).toMatch(/^[A-Z].*[.]$/);
  });
});
