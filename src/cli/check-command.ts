/** `sallyport check command`. */
import type { Command } from "commander";
import type { CommandQuery } from "../decision/query.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { parseActor, parseApproval, parseBreakGlass } from "./actor.ts";
import { type CheckFlags, submit, withOutput } from "./check-options.ts";
import { examples } from "./examples.ts";
import { mandatory } from "./mandatory.ts";
import { readToken } from "./read-argument.ts";

interface Flags extends CheckFlags {
  readonly device?: string;
  readonly command?: string;
  readonly via?: string;
  readonly actor?: string;
  readonly actorToken?: string;
  readonly approval: readonly string[];
  readonly approvalToken: readonly string[];
  readonly breakGlass?: string;
}

function toActor(flags: Flags): CommandQuery["actor"] {
  const { actor, actorToken } = flags;
  if (actor !== undefined && actorToken !== undefined) {
    throw new Fault("request_invalid", "give one of `--actor`, `--actor-token`");
  }
  if (actorToken !== undefined) return { token: readToken("--actor-token", actorToken) };
  return actor === undefined ? null : parseActor(actor);
}

async function run(flags: Flags): Promise<void> {
  const now = systemClock.now();
  const { via, breakGlass } = flags;
  const query: CommandQuery = {
    kind: "command",
    device_id: mandatory("--device", flags.device),
    command: mandatory("--command", flags.command),
    ...(via === undefined ? {} : { via }),
    actor: toActor(flags),
    approvals: [
      ...flags.approval.map((text) => parseApproval(text, now)),
      ...flags.approvalToken.map((text) => ({ token: readToken("--approval-token", text) })),
    ],
    break_glass: breakGlass === undefined ? null : parseBreakGlass(breakGlass, now),
  };
  await submit([query], flags);
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Adds the command. */
export function checkCommand(parent: Command): void {
  const command = parent
    .command("command")
    .summary("may this actor send this command to this device?")
    .description(
      "May this actor send this command to this device? Exit code: 0 allowed, 2 denied, 1 no decision was made.",
    )
    .option("--device <id>", "device that is to obey; required")
    .option("--command <name>", "name of the command, as the policy knows it; required")
    .option("--via <gateway>", "gateway that would carry it")
    .optionsGroup("Who sends it:")
    .option(
      "--actor <pairs>",
      "vouched for by this caller: id=alice,tenant=acme,roles=operator+command_high,mfa=true,type=human",
    )
    .option("--actor-token <token>", "compact JWS of the actor, or @FILE that holds it")
    .option(
      "--approval <pairs>",
      "consent of another person: by=bob,roles=command_approver,expires=+20m; repeatable",
      collect,
      [],
    )
    .option("--approval-token <token>", "signed consent, or @FILE that holds it; repeatable", collect, [])
    .option("--break-glass <pairs>", "emergency access: ticket=INC-7,started=-5m,expires=+20m");
  withOutput(command)
    .addHelpText(
      "after",
      examples(
        [
          "an operator's restart",
          "sallyport check command --device meter-001 --command reboot --actor id=alice,tenant=acme,roles=operator,mfa=true",
        ],
        [
          "with a second person's consent",
          "sallyport check command --device meter-001 --command tariff.set --actor-token @alice.jwt --approval by=bob,roles=command_approver,expires=+20m",
        ],
      ),
    )
    .action(run);
}
