/** What an answer rests on, for people. */
import type { Explanation } from "../client/client.ts";
import { showMoment, showSpan } from "./moment.ts";
import { alignCells, renderRows } from "./page.ts";
import { visible } from "./visible.ts";

function age(seconds: number): string {
  return seconds < 0 ? `in ${showSpan(seconds)}` : `${showSpan(seconds)} ago`;
}

/** The grounds of an answer in aligned lines. `now` is unix seconds. */
export function renderExplanation(explanation: Explanation, now: number): string {
  const { summary, bound, facts, records, cached } = explanation;
  const offset = (seconds: number): string =>
    seconds === 0 ? "" : seconds < 0 ? ` - ${showSpan(seconds)}` : ` + ${showSpan(seconds)}`;
  const bounded =
    bound === undefined ? [] : [`${bound.path}${offset(bound.offset_s)} = ${showMoment(bound.at, now)}`];
  const used = facts.map(({ path, age_s, holds_until }) => [
    path,
    age(age_s),
    holds_until === undefined ? "decides nothing any more" : `matters again ${showMoment(holds_until, now)}`,
  ]);
  const read = records.flatMap(({ age_s, key, revision, said, source, state }) => [
    state === "absent"
      ? [key, state, "", "", `${showSpan(age_s)} old`]
      : [key, state, `revision ${revision}`, visible(source), `${showSpan(age_s)} old`],
    ...said.map((each) => [
      `  ${each.group}`,
      `by ${each.origin}`,
      `revision ${each.revision}`,
      visible(each.source),
      `${showSpan(each.age_s)} old`,
    ]),
  ]);
  return renderRows([
    ["because", summary],
    ["bounded by", ...bounded],
    ["time facts", ...alignCells(used)],
    ["records", ...alignCells(read)],
    [
      "cache",
      cached ? "the cache held an answer to this question" : "the cache held no answer to this question",
    ],
  ]);
}
