/** Runs one of OPA's cases on the engine and says whether it answers as OPA demands. */
import { Instance } from "../../src/engine/instance.ts";
import { compileModule } from "../../src/engine/module.ts";
import { compareTerms, formatTerm, jsonText, parseTerm, type Term } from "../../src/engine/term.ts";

/** A case as OPA's files have it. */
export type Case = ReadonlyMap<Term, Term>;

const layout = { pages: 64, maxPages: 1024, maxInputBytes: 1 << 20, sharedBytes: 0 };

/** Sets become arrays and keys of other types texts, as in JSON. */
const asJson = (term: Term): Term => parseTerm(jsonText(term));

const sorted = (term: Term): Term =>
  Array.isArray(term) ? [...(term as readonly Term[])].sort(compareTerms) : term;

function bindings(results: Iterable<Term>, sort: boolean): Term {
  const rows = Array.from(results, (row) => {
    const entries = [...(asJson(row) as ReadonlyMap<Term, Term>)];
    return new Map(entries.map(([name, value]): [Term, Term] => [name, sort ? sorted(value) : value]));
  });
  return rows.sort(compareTerms);
}

/** The clock of a case that needs one: 2026-01-01, unless its input brings another. */
const clockInput = '{"now":1767225600}';

function evaluate(wasm: Uint8Array, one: Case): Term {
  const data = one.get("data");
  const instance = new Instance(compileModule(wasm), data === undefined ? "{}" : jsonText(data), layout);
  const term = one.get("input_term");
  const given = one.get("input");
  const clocked = instance.builtinNames.some((name) =>
    ["time.now_ns", "io.jwt.decode_verify", "crypto.x509.parse_and_verify_certificates"].includes(name),
  );
  const input =
    term !== undefined
      ? (term as string).replace(/,(\s*[}\]])/g, "$1")
      : given !== undefined
        ? jsonText(given)
        : clocked
          ? clockInput
          : undefined;
  const text = instance.evaluate(
    0,
    input,
    (memory, start, end) => memory.toString("utf8", start, end),
    term === undefined ? "opa_json_parse" : "opa_value_parse",
  );
  return parseTerm(text);
}

/** Undefined where the case passes, else why not. */
export function judge(wasm: Uint8Array, one: Case): string | undefined {
  const strict = one.get("strict_error") === true;
  const wantsError = one.has("want_error_code") || one.has("want_error");
  let found: Term;
  try {
    found = evaluate(wasm, one);
  } catch (error) {
    const message = (error as Error).message;
    if (one.has("want_result") || one.has("want_defined") || strict || !wantsError) return message;
    return /conflict|collision|aborted/.test(message) ? undefined : message;
  }
  const rows = found as ReadonlySet<Term>;
  if (one.has("want_defined"))
    return rows.size > 0 === one.get("want_defined")
      ? undefined
      : "defined where it should not be, or the reverse";
  const wanted = one.get("want_result");
  if (wanted === undefined && !strict) return `an error was expected, got ${formatTerm(found)}`.slice(0, 160);
  const expected = bindings((wanted ?? []) as readonly Term[], one.get("sort_bindings") === true);
  const got = bindings(rows, one.get("sort_bindings") === true);
  if (compareTerms(expected, got) === 0) return undefined;
  return `expected ${formatTerm(expected)} but got ${formatTerm(got)}`.slice(0, 300);
}
