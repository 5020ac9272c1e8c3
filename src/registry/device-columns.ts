/** Where on the tape of a device each of its members stands. */
import { z } from "zod";
import type { Attestation, Claim, CredentialRecord, DeviceRecord, Signal } from "../decision/facts.ts";
import { deviceSchema } from "./schemas.ts";
import { type Place, planOf, type ValueSchema } from "./text-plan.ts";

/** Where the members of a shape stand behind its beginning. */
type Columns<T> = Readonly<Record<keyof T & string, number>>;

/** How a device is read. */
export const plan: Place = planOf(
  z.toJSONSchema(deviceSchema, { io: "input", target: "draft-7" }) as ValueSchema,
);

/** The place that `path` leads to; a list or map is what stands in it. */
function placeOf(path: readonly string[]): Place {
  let place = plan;
  for (const name of path) {
    const next = place.members[place.columns[name] ?? -1];
    if (next === undefined) throw new TypeError(`devices have no \`${path.join(".")}\``);
    place = next.each ?? next;
  }
  return place;
}

function columnsOf<T>(...path: readonly string[]): Columns<T> {
  return placeOf(path).columns as Columns<T>;
}

/** A device. */
export const device: Columns<DeviceRecord> = columnsOf();
/** What is known of one credential. */
export const credential: Columns<CredentialRecord> = columnsOf("credentials");
/** A claim. */
export const claim: Columns<Claim> = columnsOf("credentials", "claim");
/** Its firmware. */
export const firmware: Columns<NonNullable<DeviceRecord["firmware"]>> = columnsOf("firmware");
/** Its attestation result. */
export const attestation: Columns<Attestation> = columnsOf("attestation");
/** Its support window. */
export const support: Columns<DeviceRecord["support"]> = columnsOf("support");
/** Its compliance. */
export const compliance: Columns<DeviceRecord["compliance"]> = columnsOf("compliance");
/** An exception from that. */
export const exception: Columns<NonNullable<DeviceRecord["compliance"]["exception"]>> = columnsOf(
  "compliance",
  "exception",
);
/** Its state. */
export const state: Columns<DeviceRecord["state"]> = columnsOf("state");
/** Its quarantine. */
export const quarantine: Columns<DeviceRecord["state"]["quarantine"]> = columnsOf("state", "quarantine");
/** One signal. */
export const signal: Columns<Signal> = columnsOf("state", "signals");
/** What updates need to know. */
export const ota: Columns<DeviceRecord["ota"]> = columnsOf("ota");
/** Whose word groups of facts are. */
export const provenance: Columns<NonNullable<DeviceRecord["provenance"]>> = columnsOf("provenance");
