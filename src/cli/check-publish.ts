/** `sallyport check publish`. */
import type { Command } from "commander";
import type { PublishQuery } from "../decision/query.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type CheckFlags, deviceLookUp, qosOption, submit, toQos, withOutput } from "./check-options.ts";
import { examples } from "./examples.ts";
import { mandatory } from "./mandatory.ts";
import { parseMoment } from "./moment.ts";
import { toSubject } from "./subject.ts";
import { type SubjectFlags, withSubject } from "./subject-options.ts";

interface Flags extends CheckFlags, SubjectFlags {
  readonly topic?: string;
  readonly qos: string;
  readonly retain?: true;
  readonly occurredAt?: string;
  readonly seq?: string;
}

function toSequence(text: string): number {
  const seq = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seq)) return seq;
  throw new Fault("request_invalid", `\`--seq\` is \`${text}\`: give a whole number from 0`);
}

async function run(flags: Flags): Promise<void> {
  const now = systemClock.now();
  const { occurredAt, seq } = flags;
  const topic = mandatory("--topic", flags.topic);
  const query: PublishQuery = {
    kind: "publish",
    subject: await toSubject(flags, now, deviceLookUp(flags)),
    topic,
    qos: toQos(flags.qos),
    retain: flags.retain === true,
    ...(occurredAt === undefined ? {} : { occurred_at: parseMoment(occurredAt, now, "--occurred-at") }),
    ...(seq === undefined ? {} : { seq: toSequence(seq) }),
  };
  await submit([query], flags);
}

/** Adds the command. */
export function checkPublish(parent: Command): void {
  const command = parent
    .command("publish")
    .summary("may this message be published on this topic?")
    .description(
      "May this message be published on this topic? Exit code: 0 allowed, 2 denied, 1 no decision was made.",
    )
    .option("--topic <topic>", "topic name, without wildcards; required")
    .addOption(qosOption())
    .option("--retain", "the message is retained")
    .option("--occurred-at <time>", "message time that the device claims: -5m, unix seconds or ISO 8601")
    .option("--seq <n>", "sequence number of the message, checked against replay");
  withOutput(withSubject(command))
    .addHelpText(
      "after",
      examples(
        [
          "a device's own telemetry",
          "sallyport check publish --as meter-001 --topic t/acme/d/meter-001/ops/temp --qos 1",
        ],
        [
          "a late message, and why",
          "sallyport check publish --as meter-001 --topic t/acme/d/meter-001/ops/temp --occurred-at -2h --explain",
        ],
        [
          "only the reason",
          "sallyport check publish --as meter-001 --topic t/acme/d/meter-002/ops/temp --json | jq -r .reason",
        ],
      ),
    )
    .action(run);
}
