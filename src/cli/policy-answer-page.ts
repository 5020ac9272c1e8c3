/** The answer of a project for people and for programs. */
import type { Told } from "../workbench/ask.ts";
import { emphasise, type Row, renderRows } from "./page.ts";
import { visible } from "./visible.ts";

const text = (value: unknown): string => JSON.stringify(value) ?? "undefined";

/** `ALLOW reason entrypoint` and what belongs to it; the value alone where there is no answer. */
export function renderTold({ entrypoint, answer, wasm, opa, alike }: Told): string {
  const engines: Row = alike
    ? ["by OPA", "the same"]
    : ["by OPA", `another result: ${text(opa)}`, `the compiled module: ${text(wasm)}`];
  if (answer === undefined)
    return `${visible(JSON.stringify(wasm, null, 2) ?? "undefined")}\n${renderRows([engines])}`;
  const { allow, reason, findings, obligations, input, detail } = answer;
  const verdict = allow ? emphasise("good", "ALLOW") : emphasise("bad", "DENY ");
  return `${verdict}  ${visible(reason)}  ${entrypoint}\n${renderRows([
    [
      "because",
      ...(detail === undefined
        ? []
        : [input === undefined ? `the host, before the policy: ${detail}` : detail]),
    ],
    ["findings", ...(findings.length === 0 ? [] : [findings.join(", ")])],
    ["obligations", ...Object.entries(obligations).map(([name, value]) => `${name}  ${text(value)}`)],
    input === undefined ? ["by OPA"] : engines,
  ])}`;
}

/** The same for programs. */
export function toldJson({ entrypoint, answer, input, wasm, opa, alike }: Told): object {
  return {
    entrypoint,
    ...(answer === undefined
      ? {}
      : {
          allow: answer.allow,
          reason: answer.reason,
          findings: answer.findings,
          obligations: answer.obligations,
          detail: answer.detail ?? null,
        }),
    input: input ?? null,
    result: wasm ?? null,
    alike,
    ...(alike ? {} : { opa: opa ?? null }),
  };
}
