import { describe, expect, it } from "vitest";
import { parseMoment, showMoment, showSpan } from "../../src/cli/moment.ts";

const now = 1_800_000_000;

describe("a moment", () => {
  it.each([
    ["now", now],
    ["-1d", now - 86_400],
    ["+20m", now + 1200],
    ["+2w", now + 1_209_600],
    ["1700000000", 1_700_000_000],
    ["2026-01-01T00:00:00Z", 1_767_225_600],
    ["2026-01-01T01:00:00.5+01:00", 1_767_225_600],
  ])("is read from %s", (text, expected) => {
    expect(parseMoment(text, now, "--at")).toBe(expected);
  });

  it.each([
    "",
    "1d",
    "tomorrow",
    "-1",
    "+1y",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-13-01T00:00:00Z",
    "1e9",
  ])("is not read from `%s`", (text) => {
    expect(() => parseMoment(text, now, "--at")).toThrow(/`--at` is .*which is no time: give/);
  });

  it("is shown with its distance", () => {
    expect(showMoment(now + 3570, now)).toBe("2027-01-15T08:59:30Z (in 59 min 30 s)");
    expect(showMoment(now - 90_061, now)).toBe("2027-01-14T06:58:59Z (1 d 1 h ago)");
    expect(showMoment(now, now)).toBe("2027-01-15T08:00:00Z (now)");
    expect(showMoment(0, now)).toBe("0");
    expect(showMoment(Number.MAX_SAFE_INTEGER, now)).toBe("9007199254740991");
  });

  it("spans show their two largest neighbouring units", () => {
    expect([0, 59, 60, 3600, 86_400, 86_459, -90].map(showSpan)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "1 h",
      "1 d",
      "1 d",
      "1 min 30 s",
    ]);
  });
});
