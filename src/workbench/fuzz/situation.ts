/** Situations: a subject of the decision tables or of a fleet, with a question of its own or of another. */
import { type Facts, isFacts } from "../facts.ts";
import type { Sample } from "../fleet-questions.ts";

/** Fields of a request that belong to where it is asked, not to what is asked. */
const standing = new Set(["env", "region", "endpoint", "client_id", "via", "source_zone", "kind"]);
/** Parts of the facts that belong to a question. */
const asked = ["actor", "approvals", "break_glass", "release", "rollout"];

const partOf = (facts: Facts, name: string): Facts => (isFacts(facts[name]) ? (facts[name] as Facts) : {});

/** The question of `other`, asked by the subject of `own`, whose names its topics then hold. */
export function askAnother(own: Sample, other: Sample): Sample {
  if (own === other) return own;
  const [mine, theirs] = [own.facts, other.facts];
  const names = ["id", "tenant", "class"].flatMap((field) => {
    const [from, to] = [partOf(theirs, "device")[field], partOf(mine, "device")[field]];
    return typeof from === "string" && typeof to === "string" && from !== "" ? [[from, to] as const] : [];
  });
  const renamed = (value: unknown): unknown =>
    typeof value === "string"
      ? value
          .split("/")
          .map((level) => names.find(([from]) => from === level)?.[1] ?? level)
          .join("/")
      : isFacts(value)
        ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, renamed(each)]))
        : value;
  const request = Object.fromEntries(
    Object.entries(partOf(theirs, "request"))
      .filter(([name]) => !standing.has(name))
      .map(([name, value]) => [name, renamed(value)]),
  );
  const parts = Object.fromEntries(
    asked.flatMap((name) => (Object.hasOwn(theirs, name) ? [[name, theirs[name]]] : [])),
  );
  const kept = Object.fromEntries(
    Object.entries(partOf(mine, "request")).filter(([name]) => standing.has(name)),
  );
  return {
    from: `${own.from}, asking ${other.from}`,
    ask: other.ask,
    facts: { ...mine, ...parts, request: { ...request, ...kept } },
  };
}
