/**
 * `tsx test/policies/matrix.ts`: writes `test/policies/tables/matrix.yaml`, every security model in every state of the lifecycle,
 * asked every kind. The answers are written down here from the tables of FACTS (lifecycle, posture, models), not
 * taken from the policies.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./tables.ts";

/** Where the table is kept. */
export const matrixPath: string = join(root, "test", "policies", "tables", "matrix.yaml");

interface State {
  readonly given: string;
  /** Answers of a model with all its streams: connect, publish ops, publish rec, subscribe cmd, config.get, diag.collect. */
  readonly answers: readonly [string, string, string, string, string, string];
}

const deny = (code: string): State["answers"] => [code, code, code, code, code, code];
const kept = (allow: string, code: string): State["answers"] => [
  allow,
  code,
  allow,
  code,
  code,
  "ok_recovery_command",
];

/** FACTS, "Lifecycle" and "Posture", row by row. */
const states: Readonly<Record<string, State>> = {
  provisioned: { given: "device: {state: {lifecycle: provisioned}}", answers: deny("device_not_activated") },
  enrolled: {
    given: "device: {state: {lifecycle: enrolled}}",
    answers: [
      "ok_enrolled",
      "device_not_activated",
      "device_not_activated",
      "device_not_activated",
      "device_not_activated",
      "device_not_activated",
    ],
  },
  active: {
    given: "device: {state: {lifecycle: active}}",
    answers: ["ok", "ok", "topic_stream_not_allowed", "ok", "ok", "ok"],
  },
  degraded: {
    given: "device: {compliance: {status: non_compliant}}",
    answers: [
      "ok_degraded",
      "ok_degraded",
      "topic_stream_not_allowed",
      "ok_degraded",
      "ok_degraded",
      "ok_degraded",
    ],
  },
  restricted: {
    given: "device: {firmware: {key: 2005001}}",
    answers: [
      "ok_degraded",
      "firmware_blocked",
      "ok_degraded",
      "firmware_blocked",
      "firmware_blocked",
      "ok_degraded",
    ],
  },
  quarantined: {
    given: "device: {state: {quarantine: {active: true, mode: constrain}}}",
    answers: kept("ok_quarantine_channel", "device_quarantined"),
  },
  "quarantined by the playbook": {
    given: 'device: {state: {signals: [{type: geo_jump, expires_at: "@+1m"}]}}',
    answers: kept("ok_quarantine_channel", "risk_quarantined"),
  },
  blocked: {
    given: "device: {state: {quarantine: {active: true, mode: block}}}",
    answers: [
      "device_quarantined",
      "device_quarantined",
      "device_quarantined",
      "device_quarantined",
      "device_quarantined",
      "ok_recovery_command",
    ],
  },
  "quarantined before it was enrolled": {
    given: "device: {state: {lifecycle: provisioned, quarantine: {active: true}}}",
    answers: deny("device_quarantined"),
  },
  "safe mode": {
    given: "device: {state: {lifecycle: safe_mode}}",
    answers: kept("ok_safe_mode", "device_safe_mode"),
  },
  recovery: {
    given: 'device: {state: {lifecycle: recovery, reentry_required_since: "@"}}',
    answers: kept("ok_recovery", "reentry_evidence_required"),
  },
  "recovery, cleared": {
    given: "device: {state: {lifecycle: recovery}}",
    answers: [
      "ok_recovery",
      "ok_recovery",
      "ok_recovery",
      "recovery_review_pending",
      "recovery_review_pending",
      "ok_recovery_command",
    ],
  },
  "trust lost": {
    given: 'device: {state: {reentry_required_since: "@"}}',
    answers: kept("ok_reentry", "reentry_evidence_required"),
  },
  dormant: {
    given: 'device: {state: {last_seen_at: "@-400d"}}',
    answers: kept("ok_reentry", "device_dormant"),
  },
  "end of life, in its grace": {
    given: 'device: {support: {support_ends_at: "@-500d", eol_at: "@-1d"}}',
    answers: ["ok_eol", "ok_eol", "device_eol", "device_eol", "device_eol", "ok_recovery_command"],
  },
  "end of life": {
    given: 'device: {support: {support_ends_at: "@-500d", eol_at: "@-400d"}}',
    answers: deny("device_eol"),
  },
  retired: { given: "device: {state: {lifecycle: retired}}", answers: deny("device_retired") },
};

/** A healthy device of each model, and what of the table above is otherwise there (FACTS, the five models). */
const models: readonly {
  readonly model: string;
  readonly subject: string;
  readonly id: string;
  readonly otherwise: (state: string, question: number, answer: string) => string;
}[] = [
  {
    model: "shared_credential",
    subject: "bench_sensor",
    id: "bench-3",
    // Publishes ops only, subscribes to nothing, takes no commands; what the state denies is told first.
    otherwise: (_state, question, answer) => {
      if (question >= 4) return "command_not_allowed";
      const closed = (question === 2 || question === 3) && !lifecycleDenies(answer);
      return closed ? "topic_stream_not_allowed" : answer;
    },
  },
  { model: "device_pki", subject: "meter", id: "mtr-88", otherwise: (_state, _question, answer) => answer },
  {
    model: "gateway_mediated",
    subject: "valve",
    id: "vlv-1",
    otherwise: (_state, _question, answer) => answer,
  },
  { model: "zero_trust", subject: "camera", id: "cam-5", otherwise: (_state, _question, answer) => answer },
  {
    model: "safety_segmented",
    subject: "pump",
    id: "pmp-2",
    // On the telemetry endpoint there is neither a recovery nor a command stream, and end of life has no grace.
    otherwise: (state, question, answer) => {
      if (state === "end of life, in its grace") return "device_eol";
      const elsewhere = (question === 2 || question === 3) && !lifecycleDenies(answer);
      return elsewhere && answer !== "topic_stream_not_allowed" ? "zone_not_allowed" : answer;
    },
  },
];

/** Codes of the lifecycle gate, which comes before topic and zone. */
function lifecycleDenies(code: string): boolean {
  return /^(device_|risk_|reentry_|recovery_)/.test(code);
}

const actor = "actor: {id: ann, type: human, tenant: northgrid, roles: [operator], mfa: true}";

function questions(id: string): readonly (readonly [kind: string, title: string, given: string])[] {
  const own = `t/northgrid/d/${id}`;
  return [
    ["connect", "connects", ""],
    ["publish", "sends ops", `request: {topic: ${own}/ops/x}`],
    ["publish", "sends rec", `request: {topic: ${own}/rec/x}`],
    ["subscribe", "hears cmd", `request: {filter: ${own}/cmd/#}`],
    [
      "command",
      "takes config.get",
      `request: {command: config.get, source_zone: clinical-control}, ${actor}`,
    ],
    [
      "command",
      "takes diag.collect",
      `request: {command: diag.collect, source_zone: clinical-control}, ${actor}`,
    ],
  ];
}

/** The whole table as YAML. */
export function matrix(): string {
  const rows = models.flatMap(({ model, subject, id, otherwise }) =>
    Object.entries(states).flatMap(([state, { given, answers }]) =>
      questions(id).map(([ask, title, more], i) => {
        const patch = [more, given].filter((part) => part !== "").join(", ");
        const answer = otherwise(state, i, answers[i] ?? "");
        return `- {name: "${model}, ${state}, ${title}", ask: ${ask}, of: ${subject}, given: {${patch}}, answer: ${answer}}`;
      }),
    ),
  );
  const head =
    "# Every model in every state of the lifecycle, asked every kind. Written by test/policies/matrix.ts.\ncases:\n";
  return `${head}${rows.join("\n")}\n`;
}

if (process.argv[1]?.endsWith("matrix.ts") === true) writeFileSync(matrixPath, matrix());
