/** Rollouts and eligibility for people. */
import {
  type CheckEligibilityResponse,
  EligibilityAnswer,
  type GetRolloutResponse,
  type RingStatus,
} from "../gen/sallyport/v1/eligibility.ts";
import { showMoment } from "./moment.ts";
import { emphasise, renderRows } from "./page.ts";
import { bar } from "./simulation-page.ts";
import { visible } from "./visible.ts";

/** `install`, `rollback`, `hold` or `none`. */
export function wordAnswer(answer: EligibilityAnswer): string {
  switch (answer) {
    case EligibilityAnswer.ELIGIBILITY_ANSWER_INSTALL:
      return "install";
    case EligibilityAnswer.ELIGIBILITY_ANSWER_ROLLBACK:
      return "rollback";
    case EligibilityAnswer.ELIGIBILITY_ANSWER_HOLD:
      return "hold";
    default:
      return "none";
  }
}

/** One answer in a few lines. `now` is unix seconds. */
export function renderEligibility(
  { considered, decision, eligibility }: CheckEligibilityResponse,
  now: number,
): string {
  if (eligibility === undefined) return "no answer\n";
  const { answer, device_id, not_before, obligations, reason, release, valid_until } = eligibility;
  const word = wordAnswer(answer);
  const good = word === "install" || word === "rollback";
  const head = emphasise(good ? "good" : "bad", word.toUpperCase());
  const others = considered.map(
    (each) => `${visible(each.release)}: ${wordAnswer(each.answer)}, ${visible(each.reason)}`,
  );
  return `${head}  ${visible(reason)}  ${visible(device_id)} ${visible(release)}\n${renderRows([
    ["artifact", ...(obligations?.artifact === undefined ? [] : [obligations.artifact])],
    ["not before", ...(not_before === undefined ? [] : [showMoment(not_before, now)])],
    ["valid until", ...(valid_until === undefined ? [] : [showMoment(valid_until, now)])],
    ["findings", ...(decision?.findings ?? []).map(visible)],
    ["other releases", ...others],
    ["decision", ...(decision === undefined ? [] : [decision.decision_id])],
  ])}`;
}

function ringLines(ring: RingStatus, now: number): string[] {
  const { by_answer, devices, gates, hold, name, opened_at, percent_bp } = ring;
  const state = hold === undefined ? "open" : `${visible(hold.reason)}: ${visible(hold.detail)}`;
  const until = hold?.until === undefined ? "" : `, ${showMoment(hold.until, now)}`;
  const opens = opened_at === 0 ? "not planned" : showMoment(opened_at, now);
  const counted =
    devices === 0
      ? ""
      : `  ${devices} devices: ${Object.entries(by_answer)
          .map(([word, n]) => `${n} ${word}`)
          .join(", ")}`;
  return [
    `${visible(name).padEnd(10)} ${bar(hold === undefined ? percent_bp / 10_000 : 0)} ${percent_bp / 100} %  ${state}${until}${counted}`,
    `           opened ${opens}`,
    ...gates.map(
      (gate) =>
        `           ${gate.verdict.padEnd(8)} ${gate.name} ${gate.measured ?? "-"} (limit ${gate.limit ?? "none"})`,
    ),
  ];
}

/** A rollout as a page. `now` is unix seconds. */
export function renderRollout(rollout: GetRolloutResponse, now: number): string {
  const { holds, problems, recorded_state, release, rings, state } = rollout;
  const word = state === "running" ? emphasise("good", state) : emphasise("bad", state || "no rollout");
  const recorded = recorded_state === state ? "" : ` (recorded: ${visible(recorded_state)})`;
  return `${visible(release)}  ${visible(rollout.rollout)}  ${word}${recorded}\n${[
    ...holds.map(({ detail, reason }) => `${visible(reason)}: ${visible(detail)}`),
    ...problems.map((problem) => `problem: ${visible(problem)}`),
    ...rings.flatMap((ring) => ringLines(ring, now)),
  ].join("\n")}\n`;
}
