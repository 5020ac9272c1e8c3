/** Buckets: which ten-thousandth of a fleet a device belongs to, for one rollout. */
import { hash } from "node:crypto";

/**
 * `uint64_be(sha256(salt + ":" + device_id)[0:8]) mod 10000` (FACTS.md, "OTA"): the same on every node, uniform,
 * and independent between rollouts, whose ids are the salt.
 */
export function bucketOf(salt: string, deviceId: string): number {
  const digest = hash("sha256", `${salt}:${deviceId}`, "buffer");
  // 2^32 mod 10000 = 7296: the upper half counts that many times, without leaving the safe integers.
  return ((digest.readUInt32BE(0) % 10_000) * 7296 + digest.readUInt32BE(4)) % 10_000;
}
