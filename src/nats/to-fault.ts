/** The single way in for errors of the NATS libraries. */
import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/nats-core";
import { Fault } from "../runtime/fault.ts";

/** Whether nobody listens on a subject. */
function nobodyListens(thrown: unknown): boolean {
  return thrown instanceof NoRespondersError || (thrown instanceof RequestError && thrown.isNoResponders());
}

/** A fault: `deadline_exceeded` where a question was not answered in time, else `unreachable`. */
export function toFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof TimeoutError)
    return new Fault("deadline_exceeded", `${doing}: no answer in time`, { cause: thrown });
  if (nobodyListens(thrown)) return new Fault("unreachable", `${doing}: nobody listens`, { cause: thrown });
  return Fault.from(thrown, "unreachable", doing);
}
