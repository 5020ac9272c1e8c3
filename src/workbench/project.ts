/** A policy project: a folder of Rego, data, input schemas and decision tables. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { requiredEntrypoints } from "../pdp/snapshot.ts";
import { Fault } from "../runtime/fault.ts";
import { type Finding, policyFault } from "./finding.ts";
import { policySources, type Source } from "./sources.ts";
import { readYamlFile } from "./yaml-file.ts";

/** What `policy.yaml` may say; all of it has defaults. */
export interface ProjectSettings {
  /** Entrypoints of the bundle. Default: those of the contract, and one for each further schema. */
  readonly entrypoints?: readonly string[];
  /** Paths of data that the bundle owns. Default: the packages' and the data's first names. */
  readonly roots?: readonly string[];
  /**
   * OPA's optimisation level. Default 0: at 1, OPA 1.22 fails on many policies (negation, `in` as an argument,
   * constants), and made the shipped one slower.
   */
  readonly optimize?: 0 | 1;
  /** Share of lines in percent that `policy test` must cover. */
  readonly coverage?: number;
}

/** A project as it lies on disk at one moment. */
export interface PolicyProject {
  /** Absolute. */
  readonly dir: string;
  readonly sources: readonly Source[];
  readonly settings: ProjectSettings;
  /** Input schema by entrypoint, without `sallyport/`. */
  readonly schemas: Readonly<Record<string, unknown>>;
  /** Sorted as the contract lists them. */
  readonly entrypoints: readonly string[];
  readonly roots: readonly string[];
}

const settingsSchema = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: {
    entrypoints: {
      type: "array",
      items: { type: "string", pattern: "^[a-z_]+(/[a-z_]+)+$" },
      uniqueItems: true,
    },
    roots: { type: "array", items: { type: "string" }, minItems: 1, uniqueItems: true },
    optimize: { enum: [0, 1] },
    coverage: { type: "number", minimum: 0, maximum: 100 },
  },
};

const maskEntrypoint = "system/log/mask";
/** Base documents beyond this are refused by the service as well (engine limits). */
const maxDataBytes = 8 * 1024 * 1024;

/**
 * Reads a project.
 * @throws Fault `policy_invalid` with places, `request_invalid` where the folder is none
 */
export function openProject(folder: string): PolicyProject {
  const dir = resolve(folder);
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new Fault("request_invalid", `there is no folder \`${folder}\`; give the folder of the policy`);
  const sources = policySources(dir);
  if (!sources.some(({ path }) => path.endsWith(".rego")))
    throw new Fault(
      "policy_invalid",
      `\`${folder}\` holds no Rego; start a project with \`sallyport policy new\``,
    );
  const settings = readSettings(dir);
  const names = checkData(sources);
  const schemas = readSchemas(sources);
  return {
    dir,
    sources,
    settings,
    schemas,
    entrypoints: settings.entrypoints ?? entrypointsOf(schemas),
    roots: settings.roots ?? rootsOf(sources, names),
  };
}

function readSettings(dir: string): ProjectSettings {
  const path = join(dir, "policy.yaml");
  if (!existsSync(path)) return {};
  const { value } = readYamlFile("policy.yaml", readFileSync(path, "utf8"), settingsSchema);
  return (value ?? {}) as ProjectSettings;
}

/** The contract's, then what further schemas declare; `cuts` and the mask have none. */
function entrypointsOf(schemas: Readonly<Record<string, unknown>>): string[] {
  const further = Object.keys(schemas)
    .map((name) => `sallyport/${name}`)
    .filter((name) => !requiredEntrypoints.includes(name));
  const cuts = requiredEntrypoints.indexOf("sallyport/cuts");
  return requiredEntrypoints.toSpliced(cuts, 0, ...further).concat(maskEntrypoint);
}

/** The top names of all data files. @throws Fault `policy_invalid` */
function checkData(sources: readonly Source[]): string[] {
  const found: Finding[] = [];
  const names = sources.flatMap(({ path, bytes }) => {
    const mounted = /^(?:(.*)\/)?data\.(?:yaml|yml|json)$/.exec(path);
    if (mounted === null) return [];
    if (bytes.byteLength > maxDataBytes) {
      const message = `policy data has ${bytes.byteLength} bytes, ${maxDataBytes} are allowed`;
      const fix = "facts of devices belong in the registry, which hands a policy those of one device";
      found.push({ code: "data-size", file: path, row: 1, col: 1, message, fix });
      return [];
    }
    const { value } = readYamlFile(path, bytes.toString("utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const fix = "write names and values, as `site: {...}`";
      found.push({ code: "data", file: path, row: 1, col: 1, message: "policy data is not an object", fix });
      return [];
    }
    return mounted[1] === undefined ? Object.keys(value) : [mounted[1].split("/")[0] as string];
  });
  if (found.length > 0) throw policyFault(found);
  return names;
}

function readSchemas(sources: readonly Source[]): Record<string, unknown> {
  const named = sources.filter(({ path }) => path.startsWith("schemas/"));
  return Object.fromEntries(
    named.map(({ path, bytes }) => {
      try {
        const schema: unknown = JSON.parse(bytes.toString("utf8"));
        return [path.slice("schemas/".length, -".json".length), schema];
      } catch (error) {
        const said = error instanceof Error ? error.message : "unreadable";
        // Node says the offset in its words; what ends too early ends at the end.
        const offset = Number(/position (\d+)/.exec(said)?.[1] ?? bytes.byteLength);
        const before = bytes.toString("utf8").slice(0, offset).split("\n");
        const [row, col] = [before.length, (before.at(-1)?.length ?? 0) + 1];
        const fix = "correct the JSON there, or copy the schema anew with `sallyport policy new`";
        throw policyFault([
          { code: "schema", file: path, row, col, message: `this is no JSON: ${said}`, fix },
        ]);
      }
    }),
  );
}

const packageLine = /^package\s+([a-z_][\w.]*)/m;

/** `system` is OPA's own: only what lies below is ours. */
function rootsOf(sources: readonly Source[], dataNames: readonly string[]): string[] {
  const packages = sources.flatMap(({ path, bytes }) => {
    if (!path.endsWith(".rego")) return [];
    const steps = (packageLine.exec(bytes.toString("utf8"))?.[1] ?? "").split(".");
    return steps[0] === "" ? [] : [steps.slice(0, steps[0] === "system" ? 2 : 1).join("/")];
  });
  return [...new Set([...packages, ...dataNames])].sort();
}
