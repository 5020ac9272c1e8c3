/** Fingerprints as the index holds them: long, and as many as devices, so that two hashes stand for each. */

/** What stands for a fingerprint. Two that share it are told apart by the records that are found. */
export interface FingerprintHash {
  /** Keys order by it. */
  readonly first: number;
  readonly second: number;
}

/** The hashes of what follows `from` in `text`. */
export function hashOf(text: string, from: number): FingerprintHash {
  let [first, second] = [0x811c_9dc5, 0x9747_b28c];
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    first = Math.imul(first ^ code, 0x0100_0193);
    second = Math.imul(second ^ code, 0x85eb_ca6b);
    second ^= second >>> 13;
  }
  return { first: first >>> 0, second: second >>> 0 };
}

const key = Buffer.alloc(8);

/** The key of both, valid until the next call. */
export function keyOfHash({ first, second }: FingerprintHash): Buffer {
  key.writeUInt32BE(first, 0);
  key.writeUInt32BE(second, 4);
  return key;
}

/** The same as text. */
export function nameOfHash({ first, second }: FingerprintHash): string {
  return `f${digits(first)}${digits(second)}`;
}

const digits = (value: number): string => value.toString(36).padStart(7, "0");
