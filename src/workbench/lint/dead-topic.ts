/** `dead-topic`: a topic, filter or template that MQTT lets nothing match. */
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { localsOf, resolve, wordPath } from "./names.ts";
import { branchesOf, callsIn, locationOf } from "./tree.ts";

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

const inRego: Lint = ({ files, aliases }) =>
  files.flatMap(({ path, scope }) =>
    branchesOf(scope.module).flatMap(({ rule }) => {
      const locals = localsOf(rule, scope, aliases);
      return callsIn([rule.head, rule.body]).flatMap(({ call, node }): Finding[] => {
        if (!compared.has(call.name) || (node as { readonly negated?: boolean }).negated === true) return [];
        const text = call.args.find(({ type }) => type === "string")?.value;
        const asksTopic = call.args.some((arg) => names.has(wordPath(resolve(arg, scope, locals) ?? [])));
        const why = typeof text === "string" && asksTopic ? deadName(text) : undefined;
        if (why === undefined) return [];
        const { row, col } = locationOf(node, rule.location);
        const message = `no topic can match \`${String(text)}\`: ${why}`;
        return [
          { code: "dead-topic", file: path, row, col, message, fix: "compare with a name, level by level" },
        ];
      });
    }),
  );

const inData: Lint = ({ data }) =>
  data.flatMap(({ path, value, at }) => {
    const found: Finding[] = [];
    const visit = (node: unknown, steps: readonly (string | number)[]): void => {
      if (typeof node === "string") {
        const why = steps.some((step) => /^(?:topics?|filters?|templates?)$/.test(String(step)))
          ? deadFilter(node)
          : undefined;
        if (why !== undefined) {
          const message = `no topic can match \`${node}\`: ${why}`;
          found.push({ code: "dead-topic", file: path, ...at(steps), message, fix: "correct the template" });
        }
      } else if (typeof node === "object" && node !== null) {
        for (const [name, each] of Object.entries(node))
          visit(each, [...steps, Array.isArray(node) ? Number(name) : name]);
      }
    };
    visit(value, []);
    return found;
  });

/** Finds topics that can never match, in rules and under `topics`, `filters` and `templates` in data. */
export const deadTopic: Lint = (project) => [...inRego(project), ...inData(project)];
