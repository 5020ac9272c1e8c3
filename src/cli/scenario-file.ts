/** The file of `rollout simulate` that says what happens during the campaign. */
import type { RolloutRecord } from "../decision/facts.ts";
import type { Happening, Measured } from "../eligibility/simulation.ts";
import { createRecordValidator } from "../registry/record-validator.ts";
import { Fault } from "../runtime/fault.ts";
import { isFacts, mergePatch } from "../workbench/facts.ts";
import { readYamlFile } from "../workbench/yaml-file.ts";
import { parseSpan } from "./moment.ts";

/** What a scenario says. */
export interface Scenario {
  readonly installS: number;
  readonly failsBp: number;
  readonly samplesPerDevice: number;
  readonly health: ReadonlyMap<string, Measured>;
  readonly happenings: readonly Happening[];
}

/** What holds without a scenario: nothing is measured, nothing goes wrong, nobody acts. */
export const uneventful: Scenario = {
  installS: 1200,
  failsBp: 0,
  samplesPerDevice: 1,
  health: new Map(),
  happenings: [],
};

const ppm = { type: "integer", minimum: 0, maximum: 1_000_000 };
const measured = {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: {
    crash_free_ppm: ppm,
    boot_ok_ppm: ppm,
    telemetry_ppm: ppm,
    failed_ppm: ppm,
    command_p95_ms: { type: "integer", minimum: 0, maximum: 86_400_000 },
  },
};
const byRing = { type: "object", additionalProperties: measured };
const span = { type: ["string", "integer"] };

const schema: object = {
  type: "object",
  additionalProperties: false,
  properties: {
    install: {
      type: "object",
      additionalProperties: false,
      properties: { takes: span, fails_bp: { type: "integer", minimum: 0, maximum: 10_000 } },
    },
    samples_per_device: { type: "integer", minimum: 0, maximum: 1_000_000 },
    health: byRing,
    events: {
      type: "array",
      items: {
        type: "object",
        required: ["at"],
        minProperties: 2,
        additionalProperties: false,
        properties: {
          at: span,
          health: byRing,
          pause: { type: "string", minLength: 1 },
          resume: { type: "string", minLength: 1 },
          open: { type: "string" },
          percent_bp: { type: "integer" },
          rollout: { type: "object" },
        },
      },
    },
  },
};

interface RawEvent {
  readonly at: string | number;
  readonly health?: Readonly<Record<string, Measured>>;
  readonly pause?: string;
  readonly resume?: string;
  readonly open?: string;
  readonly percent_bp?: number;
  readonly rollout?: Readonly<Record<string, unknown>>;
}

interface Raw {
  readonly install?: { readonly takes?: string | number; readonly fails_bp?: number };
  readonly samples_per_device?: number;
  readonly health?: Readonly<Record<string, Measured>>;
  readonly events?: readonly RawEvent[];
}

/**
 * Reads a scenario for a rollout. Times are spans from the start.
 * @throws Fault `policy_invalid` with the place, or `request_invalid`
 */
export function readScenario(name: string, text: string, from: number, rollout: RolloutRecord): Scenario {
  const { value } = readYamlFile(name, text, schema);
  const raw = (isFacts(value) ? value : {}) as Raw;
  const rings = rollout.rings.map((ring) => ring.name);
  const known = (ring: string): string => {
    if (rings.includes(ring)) return ring;
    throw new Fault("request_invalid", `\`${name}\`: there is no ring \`${ring}\`, only ${rings.join(", ")}`);
  };
  const health = new Map<string, Measured>();
  for (const [ring, numbers] of Object.entries(raw.health ?? {}))
    for (const each of ring === "*" ? rings : [known(ring)])
      health.set(each, { ...health.get(each), ...numbers });
  return {
    installS: raw.install?.takes === undefined ? uneventful.installS : parseSpan(raw.install.takes, "takes"),
    failsBp: raw.install?.fails_bp ?? 0,
    samplesPerDevice: raw.samples_per_device ?? uneventful.samplesPerDevice,
    health,
    happenings: (raw.events ?? []).flatMap((event) => happeningsOf(event, from, known)),
  };
}

function happeningsOf(event: RawEvent, from: number, known: (ring: string) => string): Happening[] {
  const at = from + parseSpan(event.at, "at");
  const { health = {}, open, pause, percent_bp, resume, rollout } = event;
  if (percent_bp !== undefined && open === undefined)
    throw new Fault("request_invalid", "`percent_bp` belongs to the ring that `open` names");
  const found: Happening[] = Object.entries(health).map(([ring, measures]) => ({
    at,
    act: "measure",
    ring: known(ring),
    measured: measures,
  }));
  if (rollout !== undefined)
    found.push({
      at,
      act: "edit",
      what: `edited: ${JSON.stringify(rollout)}`,
      edit: (old) => patched(old, rollout),
    });
  if (open !== undefined) {
    const share = percent_bp === undefined ? "" : ` for ${percent_bp / 100} %`;
    const edit = (old: RolloutRecord): RolloutRecord => opened(old, known(open), percent_bp, at);
    found.push({ at, act: "edit", what: `${open} is opened${share}`, edit });
  }
  if (pause !== undefined) found.push({ at, act: "pause", reason: pause });
  if (resume !== undefined) found.push({ at, act: "resume", reason: resume });
  return found;
}

const validate = createRecordValidator();

/** A record that the registry would take. Throws `record_invalid`. */
function valid(record: unknown): RolloutRecord {
  const checked = validate("rollout", structuredClone(record));
  if (checked.record === undefined)
    throw new Fault("record_invalid", `the rollout would not be taken: ${checked.invalid}`);
  return checked.record as RolloutRecord;
}

function patched(rollout: RolloutRecord, patch: unknown): RolloutRecord {
  return valid(mergePatch(rollout, patch));
}

/** What an operator writes to open a ring, or to widen one that is open. */
function opened(
  rollout: RolloutRecord,
  name: string,
  percent_bp: number | undefined,
  at: number,
): RolloutRecord {
  const place = rollout.rings.findIndex((ring) => ring.name === name);
  const rings = rollout.rings.map((ring, i) =>
    i !== place
      ? ring
      : {
          ...ring,
          opened_at: ring.opened_at > 0 && ring.opened_at <= at ? ring.opened_at : at,
          percent_bp: percent_bp ?? ring.percent_bp,
        },
  );
  return valid({ ...rollout, rings, current_ring: Math.max(place, rollout.current_ring) });
}
