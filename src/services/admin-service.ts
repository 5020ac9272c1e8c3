/** `sallyport.v1.AdminService`: containment, limited to the tenants of the caller. */
import type { Acted, Admin } from "../admin/admin.ts";
import type { Receipt } from "../coherence/receipt.ts";
import type { Override } from "../decision/override.ts";
import * as wire from "../gen/sallyport/v1/admin.ts";
import type { NodeStanding } from "../registry/node-roll.ts";
import { goFirst } from "../runtime/give-way.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { unary } from "../server/unary.ts";
import { permitByName } from "./permit.ts";
import { toWireReceipt } from "./receipt-to-wire.ts";

function toOverride(override: Override): wire.Override {
  return { mode: "", signal: "", ...override, expires_at: override.expires_at ?? 0 };
}

function toAct({ decisionId, overrides, scope, sequence }: Acted): wire.Act {
  return { sequence, overrides: overrides.map(toOverride), decision_id: decisionId, scope: scope ?? "" };
}

const nothing: wire.Override = {
  id: "",
  kind: "",
  mode: "",
  signal: "",
  reason: "",
  by: "",
  since: 0,
  expires_at: 0,
};

/** Who has acted on the changes behind a mark. */
export interface ReceiptBook {
  /** The place of the next change in the order of changes. */
  mark(): number | Promise<number>;
  /** The receipt of every change since a mark, as things stand. */
  receiptNow(mark: number): Receipt | Promise<Receipt>;
  /** The same once it is complete, or after one lease and its margin. */
  receipt(mark: number): Promise<Receipt>;
}

/** The other nodes, where overrides are shared. */
export interface OtherNodes {
  status(): { readonly ageS: number; readonly fault?: { readonly message: string } };
  /** Where they stand with overrides now. */
  standing(ids: readonly string[]): readonly NodeStanding[];
  /** The same once all of them act, or no client of a silent one may trust what it remembers, or after `mostMs`. */
  acted(ids: readonly string[], mostMs: number): Promise<readonly NodeStanding[]>;
}

/** Longest wait for other nodes, milliseconds: callers wait for little more than a lease. */
const mostWaitMs = 50_000;

/** Builds the service. */
export function adminService(admin: Admin, receipts: ReceiptBook, plane?: OtherNodes): GrpcService {
  /** Does something, and says who has acted on it. */
  const withReceipt = async <T extends Acted>(
    wait: boolean,
    act: () => Promise<T>,
  ): Promise<{ readonly done: T; readonly receipt: wire.Receipt }> => {
    // Containment goes before a fleet that is being loaded.
    const { done, mark, now } = await goFirst(async () => {
      // Each worker hears in order: what it holds is noted before it hears of the act, and nobody waits for that.
      const [mark, done] = await Promise.all([receipts.mark(), act()]);
      return { done, mark, now: wait ? undefined : await receipts.receiptNow(mark) };
    });
    const ids = done.overrides.map(({ id }) => id);
    if (now !== undefined) return { done, receipt: toWireReceipt(now, plane?.standing(ids)) };
    const [receipt, nodes] = await Promise.all([receipts.receipt(mark), plane?.acted(ids, mostWaitMs)]);
    return { done, receipt: toWireReceipt(receipt, nodes) };
  };
  return {
    definition: wire.AdminServiceService,
    implementation: {
      quarantine: unary<wire.QuarantineRequest, wire.QuarantineResponse>(async (request, peer) => {
        permitByName(peer, "admin");
        const { author, device_id, expires_at, mode, reason } = request;
        const target = { kind: "device", id: device_id };
        const wording = { kind: "quarantine", target, mode, signal: "", reason, expires_at };
        const { done, receipt } = await withReceipt(request.wait, () => admin.set(peer, wording, author));
        return { act: toAct(done), receipt };
      }),
      setOverride: unary<wire.SetOverrideRequest, wire.SetOverrideResponse>(async (request, peer) => {
        permitByName(peer, "admin");
        const { author, override, wait } = request;
        const { expires_at, kind, mode, reason, signal, target } = override ?? nothing;
        const wording = { kind, target, mode, signal, reason, expires_at };
        const { done, receipt } = await withReceipt(wait, () => admin.set(peer, wording, author));
        return { act: toAct(done), receipt };
      }),
      lift: unary<wire.LiftRequest, wire.LiftResponse>(async (request, peer) => {
        permitByName(peer, "admin");
        const { approvals, author, id, kind, reason, target } = request;
        const { done, receipt } = await withReceipt(request.wait, () =>
          admin.lift(peer, { approvals, author, id, kind, reason, target }),
        );
        return {
          act: toAct(done),
          remaining: done.remaining.map(toOverride),
          evidence_newer_than: done.evidenceNewerThan,
          receipt,
        };
      }),
      listOverrides: unary<wire.ListOverridesRequest, wire.ListOverridesResponse>((request, peer) => {
        permitByName(peer, "admin");
        return {
          overrides: admin.list(peer, request.target).map(toOverride),
          sequence: admin.sequence,
          shared: plane !== undefined,
          plane_age_s: plane?.status().ageS ?? 0,
          plane_fault: plane?.status().fault?.message ?? "",
        };
      }),
    },
  };
}
