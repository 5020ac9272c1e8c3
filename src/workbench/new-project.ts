/** A starter project: rules, tests and a decision table of one security model, working at once. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { Fault } from "../runtime/fault.ts";
import { ownFile } from "../runtime/own-files.ts";
import { caseSchema } from "./case-schema.ts";

const templates = ownFile("templates/policy");
const shipped = ownFile("policies");

/** Input schemas of contract 1, which the shipped policy has; further ones would declare further entrypoints. */
const schemas = ["connect", "publish", "subscribe", "command", "grants"];

/** The numbers of a model that the starter's rules use. */
interface Profile {
  readonly environments: readonly string[];
  readonly credential_types: readonly string[];
  readonly unique_credential: boolean;
  readonly attestation: "off" | "optional" | "required";
  readonly attestation_max_age_s: number;
  readonly session_ttl_s: number;
  readonly max_qos: number;
  readonly facts_hard_s: number;
  readonly no_subscribe: boolean;
  readonly no_commands: boolean;
}

function profiles(): Readonly<Record<string, Profile>> {
  const { site } = parse(readFileSync(join(shipped, "data.yaml"), "utf8")) as {
    readonly site: { readonly profiles: Readonly<Record<string, Profile>> };
  };
  return site.profiles;
}

/** Names of the security models, as the shipped policy lists them. */
export function modelNames(): readonly string[] {
  return Object.keys(profiles());
}

/** What the templates' `{{names}}` stand for: the model's numbers, and the answers that follow from them. */
function valuesOf(model: string, profile: Profile): Readonly<Record<string, unknown>> {
  const mediated = model === "gateway_mediated";
  const required = profile.attestation === "required";
  const list = (words: readonly string[]): string => `[${words.join(", ")}]`;
  return {
    ...profile,
    model,
    mediated,
    environments: list(profile.environments),
    credential_types: list(profile.credential_types),
    attestation_required: required,
    env: profile.environments[0],
    credential_type: profile.credential_types[0],
    via: mediated ? "gw-1" : null,
    unbound: profile.unique_credential ? "credential_binding_mismatch" : "ok",
    shaped: profile.unique_credential ? "credential_binding_mismatch" : "topic_out_of_scope",
    direct: mediated ? "direct_connect_not_allowed" : "ok",
    no_evidence: required ? "attestation_missing" : "ok",
    old_evidence: required ? "attestation_stale" : "ok",
    listens: profile.no_subscribe ? "topic_stream_not_allowed" : "ok",
    commanded: profile.no_commands ? "command_not_allowed" : "ok",
    unentitled: profile.no_commands ? "command_not_allowed" : "role_missing",
  };
}

/**
 * Writes the project and returns its files.
 * @throws Fault `request_invalid` for an unknown model or a folder that is not empty
 */
export function createProject(folder: string, model: string): readonly string[] {
  const known = profiles();
  const profile = Object.hasOwn(known, model) ? known[model] : undefined;
  if (profile === undefined)
    throw new Fault(
      "request_invalid",
      `there is no model \`${model}\`; there are ${Object.keys(known).join(", ")}`,
    );
  const dir = resolve(folder);
  if (existsSync(dir) && readdirSync(dir).length > 0)
    throw new Fault("request_invalid", `\`${folder}\` is not empty; name a new folder`);
  const values = valuesOf(model, profile);
  const names = readdirSync(templates, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(templates.length + 1));
  for (const name of names) {
    const text = readFileSync(join(templates, name), "utf8").replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
      if (!Object.hasOwn(values, key)) throw new Fault("internal", `a template asks for \`${key}\``);
      return String(values[key]);
    });
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  mkdirSync(join(dir, "schemas"));
  for (const name of schemas)
    cpSync(join(shipped, "schemas", `${name}.json`), join(dir, "schemas", `${name}.json`));
  const caseSchemaFile = join("cases", "cases.schema.json");
  writeFileSync(join(dir, caseSchemaFile), `${JSON.stringify(caseSchema, null, 2)}\n`);
  return [...names, ...schemas.map((name) => join("schemas", `${name}.json`)), caseSchemaFile].sort();
}
