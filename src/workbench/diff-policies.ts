/** Which decisions change between two policies, over questions from anywhere. */
import { canonical } from "./canonical.ts";
import { type Facts, isFacts } from "./facts.ts";
import type { Sample } from "./fleet-questions.ts";
import type { HostAnswer, PolicyHost } from "./policy-host.ts";

/** How an answer changed. */
export type ChangeKind = "newly allowed" | "newly denied" | "other reason" | "other duties";

/** Changes of one sort: of the same entrypoint, tenant, class, firmware and reasons. */
export interface ChangeGroup {
  readonly change: ChangeKind;
  readonly ask: string;
  readonly tenant: string;
  readonly class: string;
  readonly firmware: string;
  readonly before: string;
  readonly after: string;
  count: number;
  /** Where the first of them is from. */
  readonly example: string;
}

/** What a comparison found. */
export interface PolicyDiff {
  readonly asked: number;
  readonly changed: number;
  readonly totals: Readonly<Record<ChangeKind, number>>;
  /** The largest first, those that newly allow before others. */
  readonly groups: readonly ChangeGroup[];
}

const order: readonly ChangeKind[] = ["newly allowed", "newly denied", "other reason", "other duties"];

function changeOf(before: HostAnswer, after: HostAnswer): ChangeKind | undefined {
  if (before.allow !== after.allow) return after.allow ? "newly allowed" : "newly denied";
  if (before.reason !== after.reason) return "other reason";
  return textOfResult(before.result) === textOfResult(after.result) ? undefined : "other duties";
}

// The engine gives equal results as the same frozen object: each is written once.
const texts = new WeakMap<object, string>();

function textOfResult(result: unknown): string {
  if (typeof result !== "object" || result === null) return canonical(result);
  const known = texts.get(result);
  if (known !== undefined) return known;
  const text = canonical(result);
  if (Object.isFrozen(result)) texts.set(result, text);
  return text;
}

const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

function firmwareOf(device: Facts): string {
  const firmware = isFacts(device["firmware"]) ? device["firmware"] : {};
  return textOf(firmware["version"]) || textOf(firmware["key"]);
}

/** Whether both give the same result for a question that is the same to both: most are, and need no more looking. */
function unchanged(before: PolicyHost, after: PolicyHost, { ask, facts }: Sample): boolean {
  if (!before.asksAlike(after, ask)) return false;
  const { input } = before.question(ask, facts);
  if (input === undefined) return true;
  const json = JSON.stringify(input);
  try {
    const [old, young] = [before.evaluateText(ask, json), after.evaluateText(ask, json)];
    return textOfResult(old) === textOfResult(young);
  } catch {
    return false;
  }
}

/** Asks both and groups what differs. `asked` is told after each question. */
export function diffPolicies(
  before: PolicyHost,
  after: PolicyHost,
  samples: Iterable<Sample>,
  asked: (count: number) => void = () => undefined,
): PolicyDiff {
  const groups = new Map<string, ChangeGroup>();
  const totals = noChanges();
  let count = 0;
  for (const sample of samples) {
    asked(++count);
    if (unchanged(before, after, sample)) continue;
    if (unchanged(before, after, sample)) continue;
    const [old, young] = [before.decide(sample.ask, sample.facts), after.decide(sample.ask, sample.facts)];
    const change = changeOf(old, young);
    if (change === undefined) continue;
    totals[change]++;
    const device = isFacts(sample.facts["device"]) ? sample.facts["device"] : {};
    const group = {
      change,
      ask: sample.ask,
      tenant: textOf(device["tenant"]),
      class: textOf(device["class"]),
      firmware: firmwareOf(device),
      before: old.reason,
      after: young.reason,
    };
    const key = JSON.stringify(group);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...group, count: 1, example: sample.from });
    else known.count++;
  }
  return reportOf(count, totals, groups);
}

/** One comparison of several over other questions; the first that has a group gives its example. */
export function mergeDiffs(diffs: readonly PolicyDiff[]): PolicyDiff {
  const groups = new Map<string, ChangeGroup>();
  const totals = noChanges();
  for (const diff of diffs) {
    for (const kind of order) totals[kind] += diff.totals[kind];
    for (const { count, example, ...group } of diff.groups) {
      const key = JSON.stringify(group);
      const known = groups.get(key);
      if (known === undefined) groups.set(key, { ...group, count, example });
      else known.count += count;
    }
  }
  const asked = diffs.reduce((sum, diff) => sum + diff.asked, 0);
  return reportOf(asked, totals, groups);
}

const noChanges = (): Record<ChangeKind, number> => ({
  "newly allowed": 0,
  "newly denied": 0,
  "other reason": 0,
  "other duties": 0,
});

function reportOf(
  asked: number,
  totals: Readonly<Record<ChangeKind, number>>,
  groups: ReadonlyMap<string, ChangeGroup>,
): PolicyDiff {
  const text = ({ ask, tenant, class: of, firmware, before, after }: ChangeGroup): string =>
    JSON.stringify([ask, tenant, of, firmware, before, after]);
  const sorted = [...groups.values()].sort(
    (a, b) =>
      order.indexOf(a.change) - order.indexOf(b.change) || b.count - a.count || (text(a) < text(b) ? -1 : 1),
  );
  const changed = Object.values(totals).reduce((sum, each) => sum + each, 0);
  return { asked, changed, totals, groups: sorted };
}
