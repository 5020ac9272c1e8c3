/** A thread that asks two policies the questions of some of a fleet's devices. */
import { parentPort, workerData } from "node:worker_threads";
import { loadPolicy } from "../engine/load-policy.ts";
import { Fault } from "../runtime/fault.ts";
import type { FleetShare, PolicyParts, ShareNews } from "./diff-fleet.ts";
import { diffPolicies } from "./diff-policies.ts";
import { fleetSamples, readFleetRecords } from "./fleet-questions.ts";
import { PolicyHost } from "./policy-host.ts";

const tellEvery = 256;

function hostOf({ wasm, data, schemas }: PolicyParts): PolicyHost {
  return new PolicyHost(loadPolicy({ wasm, data, required: [], limits: { verifyInput: false } }), schemas);
}

const tell = (news: ShareNews): void => parentPort?.postMessage(news);

async function run({ before, after, path, now, questions, share, of }: FleetShare): Promise<void> {
  const fleet = await readFleetRecords(path, now);
  const [start, end] = [share, share + 1].map((at) => Math.floor((fleet.devices.length * at) / of));
  const samples = fleetSamples(fleet, questions, now, [start as number, end as number]);
  const diff = diffPolicies(hostOf(before), hostOf(after), samples, (count) => {
    if (count % tellEvery === 0) tell({ asked: count });
  });
  tell({ diff, devices: fleet.devices.length, invalid: fleet.invalid });
}

run(workerData as FleetShare).catch((thrown: unknown) => {
  const { code, message } = Fault.from(thrown, "internal", "the thread that compares policies failed");
  tell({ fault: { code, message } });
});
