/** Acts of operators in the decision log: events of the path `sallyport/operate`. */
import type { FaultCode } from "../runtime/fault.ts";
import { type DecisionEvent, type Labels, timestamp } from "./event.ts";

/** One act, done or refused. */
export interface AdminAct {
  /** Name of the peer that asked for it. */
  readonly peer: string;
  /** Such as `quarantine.set`, `quarantine.lift`. */
  readonly operation: string;
  readonly by: string;
  /** What was asked for, in the words of the API. */
  readonly input: object;
  readonly allow: boolean;
  /** Of an act that was done: its position, and the overrides that it set or lifted. */
  readonly sequence?: number;
  readonly ids?: readonly string[];
  /** Of one that was refused: why. */
  readonly code?: FaultCode;
  readonly detail?: string;
}

/** The reason code of an act: the gates that it failed have the words of decisions where there are some. */
function reasonOf({ allow, code }: AdminAct): string {
  if (allow) return "ok";
  return code === "evidence_required" ? "reentry_evidence_required" : (code ?? "internal_error");
}

/** The line of an act, without its line end. */
export function composeAct(act: AdminAct, id: string, labels: Labels, wallMs: number): string {
  const { allow, by, detail, ids, input, operation, peer, sequence } = act;
  const reason = reasonOf(act);
  const event: DecisionEvent = {
    labels,
    decision_id: id,
    bundles: { sallyport: { revision: "" } },
    path: "sallyport/operate",
    input: { request: { kind: "operate", operation }, actor: { id: by }, ...input },
    result: { allow, reason, sequence, overrides: ids, detail },
    requested_by: peer,
    timestamp: timestamp(wallMs),
    reason,
    registry_revision: 0,
  };
  return JSON.stringify(event);
}
