/** From options to the subject of a question. */
import type { Evidence } from "../decision/identity.ts";
import type { Subject } from "../decision/query.ts";
import { Fault } from "../runtime/fault.ts";
import { parseAssertion } from "./assertion.ts";
import { readChain } from "./pem-chain.ts";
import { readSecret, readToken } from "./read-argument.ts";
import { registeredCredential } from "./registered-credential.ts";
import type { KnownDevice } from "./registry-call.ts";
import type { SubjectFlags } from "./subject-options.ts";

type Proofs = readonly (readonly [
  option: string,
  value: string | undefined,
  read: (value: string) => Evidence | Promise<Evidence>,
])[];

const chain = (option: string, path: string): Evidence => ({ type: "x509", chain: readChain(option, path) });
const jwt = (option: string, text: string): Evidence => ({ type: "jwt", token: readToken(option, text) });
const asserted = (option: string, text: string, now: number): Evidence => ({
  type: "asserted",
  credential: parseAssertion(option, text, now),
});

/** The one proof that was given. @throws Fault `request_invalid` where there are several */
async function onlyOne(proofs: Proofs): Promise<Evidence | null> {
  const given = proofs.filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw new Fault("request_invalid", `give one of ${given.map(([option]) => `\`${option}\``).join(", ")}`);
  }
  const [first] = given;
  return first?.[1] === undefined ? null : first[2](first[1]);
}

/** Options that mean nothing without another one. */
function requireWith(flags: SubjectFlags): void {
  const dependents = [
    ["as", ["fingerprint", "tenant", "trustDomain", "notBefore", "notAfter"]],
    ["secret", ["secretName"]],
    ["via", ["viaCertChain", "viaJwt", "viaAssert"]],
  ] as const;
  const flag = (name: string): string =>
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  for (const [main, others] of dependents) {
    const stray = others.find((name) => flags[name] !== undefined);
    if (flags[main] !== undefined || stray === undefined) continue;
    throw new Fault(
      "request_invalid",
      `\`${flag(stray)}\` belongs to \`${flag(main)}\`: give that too, or drop it`,
    );
  }
}

/**
 * Builds the subject.
 * @param now unix seconds
 * @param lookUp asks the registry, for `--as`
 * @throws Fault `request_invalid`, and what `lookUp` throws
 */
export async function toSubject(
  flags: SubjectFlags,
  now: number,
  lookUp: (id: string) => Promise<KnownDevice>,
): Promise<Subject> {
  requireWith(flags);
  const registered = async (id: string): Promise<Evidence> => ({
    type: "asserted",
    credential: await registeredCredential(id, flags, now, lookUp),
  });
  const proof = await onlyOne([
    ["--cert-chain", flags.certChain, (path) => chain("--cert-chain", path)],
    ["--jwt", flags.jwt, (text) => jwt("--jwt", text)],
    ["--secret", flags.secret, (text) => secretOf(flags, text)],
    ["--assert", flags.assert, (text) => asserted("--assert", text, now)],
    ["--as", flags.as, registered],
  ]);
  const bound = proof?.type === "asserted" ? proof.credential.device_id : undefined;
  const device = flags.device ?? bound;
  if (flags.via === undefined) {
    const client = flags.clientId ?? device;
    if (client === undefined && proof === null) {
      throw new Fault("request_invalid", "nobody asks: give `--as DEVICE`, or `--device ID` and a proof");
    }
    return { client_id: client ?? "", proof };
  }
  if (device === undefined) {
    throw new Fault(
      "request_invalid",
      "`--via` needs the device that the gateway speaks for: give `--device ID`",
    );
  }
  const gatewayProof = await onlyOne([
    ["--via-cert-chain", flags.viaCertChain, (path) => chain("--via-cert-chain", path)],
    ["--via-jwt", flags.viaJwt, (text) => jwt("--via-jwt", text)],
    ["--via-assert", flags.viaAssert, (text) => asserted("--via-assert", text, now)],
  ]);
  return {
    client_id: flags.clientId ?? "",
    proof,
    device_id: device,
    via: { gateway_id: flags.via, proof: gatewayProof },
  };
}

function secretOf(flags: SubjectFlags, text: string): Evidence {
  const name = flags.secretName ?? flags.device ?? flags.clientId;
  if (name === undefined) {
    throw new Fault("request_invalid", "`--secret` needs a name: give `--secret-name` or `--device`");
  }
  return { type: "secret", name, secret: readSecret("--secret", text) };
}
