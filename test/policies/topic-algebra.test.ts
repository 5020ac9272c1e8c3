/**
 * The topic algebra against brute force: every filter and every topic over a small alphabet, through the committed
 * Wasm. A filter stands as the site's only template, and a healthy device asks: it may publish exactly where the
 * filter matches, and subscribe exactly to what the filter contains.
 */
import { expect, it } from "vitest";
import { type Answer, data, instantiate } from "./harness.ts";
import { type Facts, merge } from "./tables.ts";
import { inputOf, twisted } from "./twists.ts";

/** Levels: one word, the empty one, one that only begins with `$`; `z` is a word that no filter names. */
const words = ["a", "", "$s"];
const unnamed = "z";

function texts(levels: readonly string[], depth: number): string[] {
  const shorter = depth === 1 ? [] : texts(levels, depth - 1);
  const deepest = shorter.filter((text) => text.split("/").length === depth - 1);
  return depth === 1
    ? [...levels]
    : [...shorter, ...deepest.flatMap((text) => levels.map((level) => `${text}/${level}`))];
}

const open = texts([...words, "+"], 3);
const filters = [...open, "#", ...texts([...words, "+"], 2).map((text) => `${text}/#`)].filter(
  (text) => text !== "",
);
const named = texts([...words, unnamed], 3).filter((text) => text !== "");
/** One level deeper, so that no filter's end goes unseen. */
const topics = texts([...words, unnamed], 4).filter((text) => text !== "");

/** MQTT 5, 4.7, level by level; written without a look at the policies. */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const [wanted, ...deeper] = filter;
  if (wanted === "#") return true;
  if (wanted === undefined || topic.length === 0) return wanted === undefined ? topic.length === 0 : false;
  if (wanted !== "+" && wanted !== topic[0]) return false;
  if (topic.length === 1 && deeper.length === 1 && deeper[0] === "#") return true;
  return matches(deeper, topic.slice(1));
}

function takes(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"))) return false;
  return matches(filter.split("/"), topic.split("/"));
}

const taken = new Map(
  filters.map((filter) => [filter, topics.filter((topic) => takes(filter, topic))] as const),
);

function contains(outer: string, inner: string): boolean {
  const all = new Set(taken.get(outer));
  return (taken.get(inner) ?? []).every((topic) => all.has(topic));
}

const policy = await instantiate();

/** Makes the filter the only template, for the streams that every meter has. */
function grant(filter: string): void {
  const site = {
    ...data.site,
    topics: {
      publish: [{ topic: filter, stream: "ops" }],
      subscribe: [{ topic: filter, stream: "cmd" }],
    },
  };
  policy.setData({ ...data, site });
}

const questions = {
  publish: inputOf("publish", twisted("device_pki", "publish", "ops", [])) as Facts,
  subscribe: inputOf("subscribe", twisted("device_pki", "subscribe", "ops", [])) as Facts,
};

function allowed(kind: "publish" | "subscribe", text: string): boolean {
  const named = kind === "publish" ? { topic: text } : { filter: text };
  const input = merge(questions[kind], { request: named });
  const answer = policy.evaluate(input, `sallyport/${kind}`)[0]?.result as Answer | undefined;
  return answer?.allow === true;
}

it("a filter matches a topic, and contains a filter, exactly where enumeration says so", () => {
  const wrong: string[] = [];
  let matched = 0;
  let contained = 0;
  for (const outer of filters) {
    grant(outer);
    for (const topic of named) {
      const expected = takes(outer, topic);
      if (expected) matched += 1;
      if (allowed("publish", topic) !== expected) wrong.push(`${outer} matches ${topic}`);
    }
    for (const inner of filters) {
      const expected = contains(outer, inner);
      if (expected) contained += 1;
      if (allowed("subscribe", inner) !== expected) wrong.push(`${outer} contains ${inner}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(filters.length * (named.length + filters.length)).toBeGreaterThan(15_000);
  expect(matched).toBeGreaterThan(500);
  expect(contained).toBeGreaterThan(700);
}, 120_000);
