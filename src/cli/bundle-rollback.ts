/** `sallyport bundle rollback`: permits to go back to an older bundle. */
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { inFuture, replaceFile } from "./bundle-keys.ts";
import { examples } from "./examples.ts";
import { readPrivateKey } from "./key-file.ts";
import { renderRows } from "./page.ts";
import { readFileOf } from "./read-argument.ts";
import { visible } from "./visible.ts";

interface Flags {
  readonly key: string;
  readonly from: number;
  readonly reason: string;
  readonly expires: number;
}

function sequenceOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give the highest sequence so far: `sallyport bundle status` says it.");
}

async function run(file: string, { key, from, reason, expires }: Flags): Promise<void> {
  const [{ readBundle }, { lettersPathOf }, letters] = await Promise.all([
    import("../bundle/read-bundle.ts"),
    import("../bundle/bundle-file.ts"),
    import("../bundle/letters.ts"),
  ]);
  const { digest, revision, sequence } = await readBundle(readFileOf("bundle rollback", file));
  if (sequence > from) {
    throw new Fault(
      "request_invalid",
      `sequence ${sequence} of \`${visible(revision)}\` is newer than ${from}: no rollback is needed`,
    );
  }
  const path = lettersPathOf(file);
  const before = existsSync(path)
    ? letters.readLetters(readFileOf("bundle rollback", path).toString("utf8"))
    : letters.noLetters;
  const iat = systemClock.now();
  const statement = letters.signRollback(
    { digest, revision, sequence, from, reason, iat, exp: expires },
    readPrivateKey(key),
  );
  replaceFile(
    path,
    `${JSON.stringify({ ...before, rollbacks: [...before.rollbacks, statement] }, null, 1)}\n`,
  );
  process.stdout.write(
    `rollback to ${visible(revision)}, sequence ${sequence}, from ${from}\n${renderRows([
      ["digest", `sha256 ${digest}`],
      ["reason", visible(reason)],
      ["until", new Date(expires * 1000).toISOString()],
      ["in", path],
    ])}`,
  );
}

/** Adds the command to `bundle`. */
export function bundleRollback(parent: Command): void {
  parent
    .command("rollback")
    .summary("permit to go back to an older bundle")
    .description(
      "Sign a statement that permits one step back: from the highest sequence so far to exactly this archive. As many\n" +
        "keys with the role `approve` as the keyset's threshold must sign the same step. It is appended to\n" +
        "FILE.letters.json; put both where the service finds its bundle. Nothing ever goes back by itself.",
    )
    .argument("<file>", "the older bundle (.tar.gz)")
    .requiredOption("--from <sequence>", "highest sequence that was in force", sequenceOf)
    .requiredOption("--reason <text>", "why; it is logged")
    .requiredOption("--key <file>", "private key, PEM")
    .option("--expires <time>", "how long it may be acted on: 45m, 12h", inFuture, inFuture("12h"))
    .addHelpText(
      "after",
      examples([
        "two people permit it",
        'sallyport bundle rollback old.tar.gz --from 12 --reason "12 denies all meters" --key keys/ann.pem',
      ]),
    )
    .action(run);
}
