/** Base64 and PEM (RFC 7468) as Go reads them. */

const form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const joined = (source: string): string => source.replace(/[\r\n]/g, "");

/** Whether a text is base64, in lines of any length. */
export const isBase64 = (source: string): boolean => form.test(joined(source));

/** The bytes of base64 in lines of any length. @throws TypeError for anything else */
export function decodeBase64(source: string): Buffer {
  if (!isBase64(source)) throw new TypeError("illegal base64");
  return Buffer.from(joined(source), "base64");
}

/** A block of a PEM text. */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY` and so on. */
  readonly kind: string;
  readonly bytes: Buffer;
}

const block =
  /(?:^|\n)-----BEGIN ([^\r\n]*?)-----[ \t]*\r?\n(?:[^\n:]+:[^\n]*\n)*([A-Za-z0-9+/=\r\n\t ]*)-----END \1-----(?=[ \t]*\r?(?:\n|$))/g;

/** The blocks of a PEM text; what lies between them, and a block that is none, are passed over. */
export const pemBlocks = (text: string): readonly PemBlock[] =>
  [...text.matchAll(block)].flatMap(([, kind = "", body = ""]) => {
    const plain = body.replace(/[\t ]/g, "");
    return isBase64(plain) ? [{ kind, bytes: decodeBase64(plain) }] : [];
  });
