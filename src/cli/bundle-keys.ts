/** `sallyport bundle keygen`, `sign`, `approve` and `verify`: what people do with keys. */
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { Proof } from "../bundle/prove.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { examples } from "./examples.ts";
import { makeKeyFiles, readPrivateKey, writeNew } from "./key-file.ts";
import { renderRows } from "./page.ts";
import { readFileOf } from "./read-argument.ts";
import { visible } from "./visible.ts";

/** Writes beside and renames over, so that who watches never sees half of it. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  } catch (thrown) {
    throw Fault.from(thrown, "request_invalid", `cannot write \`${path}\``);
  }
}

/** A point in time as `30d`, `12h` or `45m` from now, for flags. Unix seconds. */
export function inFuture(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count === undefined)
    throw new InvalidArgumentError("give minutes, hours or days: `45m`, `12h`, `365d`.");
  return systemClock.now() + Number(count) * (unit === "m" ? 60 : unit === "h" ? 3600 : 86_400);
}

async function keygen(prefix: string): Promise<void> {
  const { keyIdOf } = await import("../bundle/keyset.ts");
  const { privatePath, publicPath, key } = makeKeyFiles(prefix);
  process.stdout.write(
    `key ${keyIdOf(key)}\n${renderRows([
      ["private", `${privatePath}: keep it secret`],
      ["public", `${publicPath}: put it into the keyset`],
    ])}`,
  );
}

async function sign(
  file: string,
  flags: { key: string; scope: string; out?: string; expires?: number },
): Promise<void> {
  const [{ signBundle }, { readBundle }] = await Promise.all([
    import("../bundle/sign-bundle.ts"),
    import("../bundle/read-bundle.ts"),
  ]);
  const signed = await signBundle(
    readFileOf("bundle sign", file),
    readPrivateKey(flags.key),
    flags.scope,
    flags.expires,
  );
  const { revision, sequence, digest } = await readBundle(signed);
  if (flags.out === undefined) replaceFile(file, signed);
  else writeNew(flags.out, signed);
  process.stdout.write(
    `signed ${visible(revision)}, sequence ${sequence}\n${renderRows([["digest", `sha256 ${digest}`]])}`,
  );
}

async function approve(file: string, flags: { key: string }): Promise<void> {
  const [{ readBundle }, { lettersPathOf }, letters] = await Promise.all([
    import("../bundle/read-bundle.ts"),
    import("../bundle/bundle-file.ts"),
    import("../bundle/letters.ts"),
  ]);
  const { digest, revision, sequence } = await readBundle(readFileOf("bundle approve", file));
  const path = lettersPathOf(file);
  const before = existsSync(path)
    ? letters.readLetters(readFileOf("bundle approve", path).toString("utf8"))
    : letters.noLetters;
  const key = readPrivateKey(flags.key);
  const approval = letters.signApproval({ digest, revision, sequence, iat: systemClock.now() }, key);
  const after = { ...before, approvals: [...before.approvals, approval] };
  replaceFile(path, `${JSON.stringify(after, null, 1)}\n`);
  process.stdout.write(
    `approved ${visible(revision)}, sequence ${sequence}\n${renderRows([
      ["digest", `sha256 ${digest}`],
      ["in", path],
    ])}`,
  );
}

async function verify(file: string, flags: { keyset: string; scope: string; json?: true }): Promise<void> {
  const [{ readBundle }, { lettersPathOf }, { noLetters, readLetters }, { readKeyset }, { proveBundle }] =
    await Promise.all([
      import("../bundle/read-bundle.ts"),
      import("../bundle/bundle-file.ts"),
      import("../bundle/letters.ts"),
      import("../bundle/keyset.ts"),
      import("../bundle/prove.ts"),
    ]);
  const bundle = await readBundle(readFileOf("bundle verify", file));
  const path = lettersPathOf(file);
  const letters = existsSync(path)
    ? readLetters(readFileOf("bundle verify", path).toString("utf8"))
    : noLetters;
  const keyset = readKeyset(readFileOf("--keyset", flags.keyset).toString("utf8"));
  const proof = proveBundle(
    bundle,
    letters,
    { keyset, scope: flags.scope, unsigned: "refuse" },
    systemClock.now(),
  );
  const { revision, sequence, digest } = bundle;
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ revision, sequence, digest, ...proof })}\n`);
  else process.stdout.write(`${proofPage(proof, `${visible(revision)}, sequence ${sequence}`, digest)}`);
  if (proof.keys < proof.needed) process.exitCode = 2;
}

function proofPage(proof: Proof, name: string, digest: string): string {
  const enough = proof.keys >= proof.needed;
  return `${enough ? "proved" : "waits"} ${name}\n${renderRows([
    ["digest", `sha256 ${digest}`],
    ["signed by", proof.signer ?? "nobody"],
    ["approved by", proof.approvers.join(", ") || "nobody"],
    ["keys", `${proof.keys} of ${proof.needed}, by keyset version ${proof.keyset}`],
    ...(enough
      ? []
      : [["waits for", proof.waitsFor.join(", ") || "nobody: no other key may approve"] as const]),
  ])}`;
}

/** Adds the commands to `bundle`. */
export function bundleKeys(parent: Command): void {
  const archive = "bundle (.tar.gz)";
  parent
    .command("keygen")
    .summary("make a key that signs or approves bundles")
    .description(
      "Make an Ed25519 key: PREFIX.pem for its owner only, PREFIX.pub.pem for the keyset. Other keys (RSA, P-256)\n" +
        "made elsewhere do as well. With SALLYPORT_KEY_PASSPHRASE set, the private key is encrypted.",
    )
    .argument("<prefix>", "path without ending")
    .addHelpText("after", examples(["a key for the build", "sallyport bundle keygen keys/ci"]))
    .action(keygen);
  parent
    .command("sign")
    .summary("sign a bundle")
    .description("Sign a bundle in OPA's format, in place. A signature that was there is replaced.")
    .argument("<file>", archive)
    .requiredOption("--key <file>", "private key, PEM")
    .option("--scope <scope>", "scope that it is signed for, as with `opa build --scope`", "")
    .option(
      "--expires <time>",
      "when it should have been replaced, from now: 12h, 90d; an alarm, no outage",
      inFuture,
    )
    .option("--out <file>", "write there instead")
    .addHelpText("after", examples(["sign", "sallyport bundle sign policy.tar.gz --key keys/ci.pem"]))
    .action(sign);
  parent
    .command("approve")
    .summary("approve a bundle")
    .description(
      "Approve exactly this archive. The approval is appended to FILE.letters.json, which travels beside the bundle.\n" +
        "Look at it first: `sallyport bundle inspect`.",
    )
    .argument("<file>", archive)
    .requiredOption("--key <file>", "private key, PEM")
    .addHelpText("after", examples(["approve", "sallyport bundle approve policy.tar.gz --key keys/ann.pem"]))
    .action(approve);
  parent
    .command("verify")
    .summary("is a bundle signed and approved as a keyset asks for?")
    .description(
      "Check a bundle and the approvals beside it as the service would.\n" +
        "Exit code: 0 proved, 2 too few approvals, 1 not signed or wrong.",
    )
    .argument("<file>", archive)
    .requiredOption("--keyset <file>", "keyset, JSON")
    .option("--scope <scope>", "scope that it must be signed for", "")
    .option("--json", "JSON on one line")
    .addHelpText(
      "after",
      examples([
        "the bundle of this repository",
        "sallyport bundle verify bundles/sallyport.tar.gz --keyset examples/quickstart/keys/keyset.json",
      ]),
    )
    .action(verify);
}
