/** `dead-topic`: a topic, filter or template that MQTT lets nothing match. */
import type { Term } from "../ast.ts";
import { isFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { localsOf, resolve, wordPath } from "./names.ts";
import { branchesOf, type Call, callsIn, locationOf } from "./tree.ts";

/** MQTT 5, 1.5.4: a string has at most so many bytes. */
const maxBytes = 65_535;
const compared: ReadonlySet<string> = new Set(["equal", "eq", "startswith", "endswith", "contains"]);
const names: ReadonlySet<string> = new Set(["input.request.topic", "input.request.will.topic"]);

/** Why no topic name is or holds this text; undefined where one may. */
export function deadName(text: string): string | undefined {
  if (/[+#]/.test(text)) return "a topic name holds no `+` or `#` [MQTT-4.7.1-1]";
  if (text.includes("\u0000")) return "a topic holds no NUL [MQTT-4.7.3-2]";
  return Buffer.byteLength(text) > maxBytes ? "a topic has at most 65535 bytes" : undefined;
}

/** Why no topic matches this filter or template; undefined where one may. */
export function deadFilter(text: string): string | undefined {
  if (text === "") return "an empty filter matches nothing [MQTT-4.7.3-1]";
  if (text.includes("\u0000")) return "a topic holds no NUL [MQTT-4.7.3-2]";
  const levels = text.split("/");
  for (const [at, level] of levels.entries()) {
    if (level.includes("#") && (level !== "#" || at !== levels.length - 1))
      return "`#` stands alone in the last level [MQTT-4.7.1-1]";
    if (level.includes("+") && level !== "+") return "`+` fills a whole level [MQTT-4.7.1-2]";
    if (/[{}]/.test(level) && !/^\{[^{}]+\}$/.test(level)) return "a variable fills exactly one level";
  }
  return undefined;
}

/** Functions that take filters and names, by their last words: what each argument is. */
const takers: readonly (readonly [name: RegExp, args: readonly ((text: string) => string | undefined)[]])[] =
  [
    [/(?:^|\.)topics\.matches$/, [deadFilter, deadName]],
    [/(?:^|\.)topics\.covers$/, [deadFilter, deadFilter]],
  ];

/** Why a call can never hold: the text that is dead, and what is wrong with it. */
function deadCall(call: Call, isTopic: (arg: Term) => boolean): readonly [string, string] | undefined {
  const taker = takers.find(([name]) => name.test(call.name));
  if (taker === undefined && !(compared.has(call.name) && call.args.some(isTopic))) return undefined;
  for (const [at, { type, value }] of call.args.entries()) {
    const judge = taker === undefined ? deadName : taker[1][at];
    const why = type === "string" ? judge?.(value as string) : undefined;
    if (why !== undefined) return [value as string, why];
  }
  return undefined;
}

const inRego: Lint = ({ files, aliases }) =>
  files.flatMap(({ path, scope }) =>
    branchesOf(scope.module).flatMap(({ rule }) => {
      const locals = localsOf(rule, scope, aliases);
      const isTopic = (arg: Term): boolean => names.has(wordPath(resolve(arg, scope, locals) ?? []));
      return callsIn([rule.head, rule.body]).flatMap(({ call, node }): Finding[] => {
        const negated = (node as { readonly negated?: boolean }).negated === true;
        const dead = negated ? undefined : deadCall(call, isTopic);
        if (dead === undefined) return [];
        const [text, why] = dead;
        const { row, col } = locationOf(node, rule.location);
        const message = `no topic can match \`${text}\`: ${why}`;
        return [
          { code: "dead-topic", file: path, row, col, message, fix: "compare with a name, level by level" },
        ];
      });
    }),
  );

const facts: ReadonlySet<string> = new Set(["{tenant}", "{device}", "{class}", "{stream}"]);

/** Types of a site's own levels: `{name:type}`. */
type Types = Readonly<Record<string, unknown>>;

/** Why a template takes nothing: a variable that is no fact, or of no type that has a value. */
function deadVariable(text: string, types: Types): string | undefined {
  const level = text
    .split("/")
    .find((each) => each.startsWith("{") && !facts.has(each) && !typed(each, types));
  return level === undefined ? undefined : `\`${level}\` is no fact and of no type of \`variables\``;
}

function typed(level: string, types: Types): boolean {
  const type = types[level.slice(1, -1).split(":")[1] ?? ""];
  if (!isFacts(type)) return false;
  const { values, pattern } = type;
  return (Array.isArray(values) && values.length > 0) || typeof pattern === "string";
}

const isTemplate = (step: string | number): boolean => /^(?:topics?|filters?|templates?)$/.test(String(step));

const inData: Lint = ({ data }) =>
  data.flatMap(({ path, value, at }) => {
    const found: Finding[] = [];
    const tell = (steps: readonly (string | number)[], text: string, why: string, fix: string): void => {
      const message = `no topic can match \`${text}\`: ${why}`;
      found.push({ code: "dead-topic", file: path, ...at(steps), message, fix });
    };
    const visit = (node: unknown, steps: readonly (string | number)[], types: Types | undefined): void => {
      if (typeof node === "string") {
        if (!steps.some(isTemplate)) return;
        const why = deadFilter(node) ?? (types === undefined ? undefined : deadVariable(node, types));
        if (why !== undefined) tell(steps, node, why, "correct the template");
      } else if (typeof node === "object" && node !== null) {
        const { variables, topic, stream } = node as Readonly<Record<string, unknown>>;
        const inner = isFacts(variables) ? variables : types;
        if (
          inner !== undefined &&
          typeof topic === "string" &&
          stream === undefined &&
          !/\{stream\}/.test(topic)
        )
          tell(
            [...steps, "topic"],
            topic,
            "it says no stream",
            "write `{stream}` in it, or `stream` beside it",
          );
        for (const [name, each] of Object.entries(node))
          visit(each, [...steps, Array.isArray(node) ? Number(name) : name], inner);
      }
    };
    visit(value, [], undefined);
    return found;
  });

/**
 * Finds topics that can never match, in rules and under `topics`, `filters` and `templates` in data. Where `variables`
 * stands beside them, as in the shipped site, templates are judged by what they name too.
 */
export const deadTopic: Lint = (project) => [...inRego(project), ...inData(project)];
