/** What a peer's configuration entry permits. */
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";

/** Throws `peer_forbidden` where the peer's entry does not permit `kind`. */
export function permit(peer: Peer, kind: string): void {
  if (peer.kinds.includes("*") || peer.kinds.includes(kind)) return;
  const message = `peer \`${peer.name}\` may not ask \`${kind}\`; add it to \`kinds\` of its configuration entry`;
  throw new Fault("peer_forbidden", message);
}

/** The same for what `*` does not include: powers that an entry must name. */
export function permitByName(peer: Peer, kind: string): void {
  if (peer.kinds.includes(kind)) return;
  const message = `peer \`${peer.name}\` has no power of \`${kind}\`; \`*\` does not include it, name it in \`kinds\` of its configuration entry`;
  throw new Fault("peer_forbidden", message);
}
