/** A receipt on the wire. */
import type { Receipt } from "../coherence/receipt.ts";
import type * as wire from "../gen/sallyport/v1/admin.ts";
import type { NodeStanding } from "../registry/node-roll.ts";

/** A receipt on the wire. */
export function toWireReceipt(receipt: Receipt, nodes: readonly NodeStanding[] = []): wire.Receipt {
  const { complete, epoch, evicted, fenced, pending, position, sessions, uncovered, unreachable } = receipt;
  return {
    epoch,
    position,
    complete,
    evicted: evicted.map((each) => ({ ...each, sessions: 0 })),
    sessions_closed: sessions.closed,
    sessions_kept: sessions.kept,
    fenced: fenced.map((each) => ({ ...each })),
    pending: pending.map((each) => ({ ...each, sessions: 0 })),
    unreachable: [...unreachable, ...nodes.filter(({ inForce }) => !inForce).map(({ node }) => node)],
    nodes: nodes.map(({ inForce, mayDecideUntil, mayLeaseUntil, node }) => ({
      node,
      in_force: inForce,
      may_lease_until: mayLeaseUntil,
      may_decide_until: mayDecideUntil,
    })),
    uncovered: uncovered.map(({ device, may_allow_until }) => ({ device, may_allow_until })),
  };
}
