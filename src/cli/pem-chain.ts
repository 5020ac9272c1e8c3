/** Certificate chains in files. */
import { Fault } from "../runtime/fault.ts";
import { readFileOf } from "./read-argument.ts";

const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** The certificates of a PEM file as DER, in its order, which must be leaf first. @throws Fault `request_invalid` */
export function readChain(option: string, path: string): Uint8Array[] {
  const text = readFileOf(option, path).toString("latin1");
  const chain = [...text.matchAll(block)].map(([, body = ""]) => Buffer.from(body, "base64"));
  if (chain.length > 0) return chain;
  throw new Fault("request_invalid", `\`${path}\` of \`${option}\` holds no certificate in PEM`);
}
