/** `sallyport check connect`. */
import type { Command } from "commander";
import type { ConnectQuery } from "../decision/query.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type CheckFlags, deviceLookUp, qosOption, submit, toQos, withOutput } from "./check-options.ts";
import { examples } from "./examples.ts";
import { parseMoment } from "./moment.ts";
import { toSubject } from "./subject.ts";
import { type SubjectFlags, withSubject } from "./subject-options.ts";

interface Flags extends CheckFlags, SubjectFlags {
  readonly deviceTime?: string;
  readonly willTopic?: string;
  readonly qos: string;
  readonly retain?: true;
}

async function run(flags: Flags): Promise<void> {
  const now = systemClock.now();
  const { deviceTime, willTopic } = flags;
  if (willTopic === undefined && (flags.retain === true || flags.qos !== "0")) {
    throw new Fault(
      "request_invalid",
      "`--qos` and `--retain` are those of the will: give `--will-topic` too",
    );
  }
  const query: ConnectQuery = {
    kind: "connect",
    subject: await toSubject(flags, now, deviceLookUp(flags)),
    ...(deviceTime === undefined ? {} : { device_time: parseMoment(deviceTime, now, "--device-time") }),
    ...(willTopic === undefined
      ? {}
      : { will: { topic: willTopic, qos: toQos(flags.qos), retain: flags.retain === true } }),
  };
  await submit([query], flags);
}

/** Adds the command. */
export function checkConnect(parent: Command): void {
  const command = parent
    .command("connect")
    .summary("may this session be opened?")
    .description("May this session be opened? Exit code: 0 allowed, 2 denied, 1 no decision was made.")
    .option("--device-time <time>", "the device's own clock: now, -5m, unix seconds or ISO 8601")
    .option("--will-topic <topic>", "topic of its last will, judged as a publish")
    .addOption(qosOption())
    .option("--retain", "the will is retained");
  withOutput(withSubject(command))
    .addHelpText(
      "after",
      examples(
        ["with the credential that the registry knows", "sallyport check connect --as meter-001"],
        [
          "with a certificate chain, verified by the service",
          "sallyport check connect --device meter-001 --cert-chain meter-001.pem",
        ],
        [
          "a leaf behind its gateway",
          "sallyport check connect --device leaf-001 --via gw-001 --via-cert-chain gw-001.pem",
        ],
        [
          "somebody else's credential: what would happen?",
          "sallyport check connect --as meter-001 --client-id meter-002 --explain",
        ],
      ),
    )
    .action(run);
}
