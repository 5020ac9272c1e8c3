/** A receipt for people. */
import type { Receipt, Witness } from "../gen/sallyport/v1/admin.ts";
import { visible } from "./visible.ts";

/** Whether nobody may act on an older answer any more. */
export function isCovered(receipt: Receipt | undefined): boolean {
  return receipt?.complete === true && receipt.uncovered.length === 0 && receipt.unreachable.length === 0;
}

const named = ({ client, peer }: Witness): string => visible(`${peer} ${client}`);

/** Its lines, each with its end. */
export function receiptLines(receipt: Receipt | undefined): string[] {
  if (receipt === undefined) return ["receipt: none, the service is older than this command\n"];
  const { evicted, fenced, nodes, pending, sessions_closed, sessions_kept, uncovered, unreachable } = receipt;
  const at = (moment: number): string => new Date(moment * 1000).toISOString();
  return [
    `evicted: ${evicted.length} attached clients have forgotten older answers\n`,
    `sessions: ${sessions_closed} closed, ${sessions_kept} asked about again and kept\n`,
    ...fenced.map((each) => `fenced: ${named(each)}, silent; ${each.sessions} sessions unknown\n`),
    ...pending.map((each) => `PENDING: ${named(each)} has not acknowledged\n`),
    ...nodes
      .filter(({ in_force }) => in_force)
      .map(({ node }) => `in force at node ${visible(node)}; its clients act within one lease\n`),
    ...nodes
      .filter(({ in_force }) => !in_force)
      .map(
        ({ may_decide_until, may_lease_until, node }) =>
          `UNREACHABLE: node ${visible(node)}; its clients may trust older answers until ${at(may_lease_until)}, itself may decide without it until ${at(may_decide_until)}\n`,
      ),
    ...unreachable
      .filter((name) => !nodes.some(({ node }) => node === name))
      .map((node) => `UNREACHABLE: node ${visible(node)}\n`),
    ...uncovered.map(({ device, may_allow_until }) => {
      const until = may_allow_until === undefined ? "without an end" : `until ${at(may_allow_until)}`;
      return `UNCOVERED: ${visible(device)}, callers who cannot be told may go on allowing ${until}\n`;
    }),
    isCovered(receipt) ? "covered: nobody decides on older facts\n" : "NOT covered yet\n",
  ];
}
