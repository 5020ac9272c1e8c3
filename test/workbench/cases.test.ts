import { expect, it } from "vitest";
import { readCases } from "../../src/workbench/cases.ts";
import { findingsIn } from "../../src/workbench/finding.ts";
import { openProject } from "../../src/workbench/project.ts";
import { ownRows } from "../policies/tables.ts";
import { cases, project } from "./project.ts";

const read = (text: string): ReturnType<typeof readCases> =>
  readCases(openProject(project({ "cases/first.yaml": text })));

/** Objections as `row:col message`. */
function objections(text: string): string[] {
  try {
    read(text);
    return [];
  } catch (thrown) {
    return findingsIn(thrown).map(({ file, row, col, message }) => `${file}:${row}:${col} ${message}`);
  }
}

const withRow = (row: string): string => `${cases}  - ${row}\n`;

it("rows are complete: patches merged, times absolute, nulls where they are said", () => {
  const rows = read(
    withRow(
      '{name: a, ask: connect, of: meter, given: {request: {device_time: "@-5m", region: null}}, empty: [device.firmware.key], answer: ok, duties: {reattest_by: "@+1h"}}',
    ),
  );
  expect(rows[2]).toMatchObject({
    id: "first#3",
    row: 12,
    file: "cases/first.yaml",
    facts: {
      now: 1_770_000_000,
      request: { client_id: "m-1", device_time: 1_769_999_700 },
      device: { firmware: { key: null } },
    },
    expect: { allow: true, reason: "ok", duties: { reattest_by: 1_770_003_600 } },
  });
  expect(rows[2]?.facts["request"]).not.toHaveProperty("region");
});

it("the shipped tables mean what their own reader makes of them", () => {
  const rows = readCases(openProject("policies"));
  expect(rows.map(({ facts }) => facts)).toEqual(ownRows.map(({ facts }) => facts));
  expect(rows.length).toBeGreaterThan(200);
});

it.each([
  [
    "a field nobody knows",
    "{name: a, ask: connect, of: meter, giver: {}, answer: ok}",
    /unknown field `giver`; known are name/,
  ],
  ["a missing field", "{name: a, ask: connect, of: meter}", /must have required property 'answer'/],
  [
    "an unknown subject",
    "{name: a, ask: connect, of: metre, answer: ok}",
    /no subject `metre`; there are meter/,
  ],
  ["an unknown entrypoint", "{name: a, ask: conect, of: meter, answer: ok}", /`conect` is no entrypoint/],
  ["an unknown reason", "{name: a, ask: connect, of: meter, answer: okay}", /`okay` is no reason code/],
  [
    "an unknown finding",
    "{name: a, ask: connect, of: meter, answer: ok, findings: [x]}",
    /`x` is no reason code/,
  ],
  [
    "an unknown obligation",
    "{name: a, ask: connect, of: meter, answer: ok, duties: {ttl: 1}}",
    /`ttl` is no obligation/,
  ],
  [
    "a comma that YAML takes for a new field",
    "{name: a, b, ask: connect, of: meter, answer: ok}",
    /unknown field `b`/,
  ],
])("%s is an objection with file and line", (_, row, message) => {
  const [first = "", ...more] = objections(withRow(row));
  expect(more).toEqual([]);
  expect(first).toMatch(/^cases\/first\.yaml:12:\d+ /);
  expect(first).toMatch(message);
});

it("subjects that are like themselves, like nobody or there twice are objections", () => {
  const subject = (more: string): string[] => objections(cases.replace("cases:", `${more}\ncases:`));
  expect(subject("  a: {like: b}\n  b: {like: a}").join()).toMatch(/`b` is like itself/);
  expect(subject("  a: {like: nobody}").join()).toMatch(/first\.yaml:9:\d+ `a` is like `nobody`/);
  expect(objections(`${cases}at2: 1\n`).join()).toMatch(
    /first\.yaml:12:\d+ the file has the unknown field `at2`/,
  );
});
