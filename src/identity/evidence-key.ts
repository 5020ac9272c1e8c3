/** What a proof is remembered by: a digest of the evidence, never the evidence itself. */
import { hash } from "node:crypto";
import type { Credential } from "../decision/facts.ts";

/** Of a chain: SHA-256 over its certificates, each after its length. */
export function chainKey(chain: readonly Uint8Array[]): string {
  let length = 0;
  for (const der of chain) length += 4 + der.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const der of chain) {
    at = bytes.writeUInt32BE(der.length, at);
    bytes.set(der, at);
    at += der.length;
  }
  return hash("sha256", bytes, "base64url");
}

/** Of a token: SHA-256. */
export function tokenKey(token: string): string {
  return hash("sha256", token, "base64url");
}

/** Of a credential: all that it says, each text after its length; equal keys are equal credentials. */
export function credentialKey(credential: Credential): string {
  const { type, trust_domain, device_id, tenant, fingerprint, key_protection, usage, claim } = credential;
  const key =
    `${type}|${usage}|${key_protection}|${credential.not_before}|${credential.not_after}` +
    `|${trust_domain.length}:${trust_domain}|${tenant.length}:${tenant}` +
    `|${device_id.length}:${device_id}|${fingerprint.length}:${fingerprint}`;
  if (claim === undefined) return key;
  const scope = claim.device_ids.map((id) => `${id.length}:${id}`).join("");
  return `${key}|${claim.single_use}|${claim.used}|${hash("sha256", scope, "base64url")}`;
}
