// @ts-check
import { attestation } from "./crowd.mjs";
import { bySecret, credential, domains, firmware } from "./records.mjs";

/** @typedef {import("./dice.mjs").Dice} Dice */
/** @typedef {import("./crowd.mjs").Group} Group */

const token = bySecret("shared_token", "proto-secret");

/** How the crowd is composed. Every group counts its ids from a number of its own. @type {readonly Group[]} */
export const groups = [
  { tenant: "acme", domain: domains.acme, class: "meter", count: 3000, first: 10_000 },
  { tenant: "acme", domain: domains.acme, class: "sensor", count: 900, first: 10_000 },
  {
    tenant: "acme",
    domain: domains.acme,
    class: "camera",
    count: 150,
    first: 10_000,
    extra: (roll, id) => ({ model: "zero_trust", ...attestation(roll, `fp-${id}`, "zero_trust") }),
  },
  ...["camera", "sensor"].map((deviceClass) => ({
    tenant: "acme-zt",
    domain: domains.acme,
    class: deviceClass,
    count: deviceClass === "camera" ? 900 : 400,
    first: 20_000,
    extra: (/** @type {Dice} */ roll, /** @type {string} */ id) =>
      attestation(roll, `fp-${id}`, "zero_trust"),
  })),
  {
    tenant: "globex",
    domain: domains.globex,
    class: "gateway",
    count: 60,
    first: 30_000,
    extra: (roll, id) => ({ ...attestation(roll, `fp-${id}`, "gateway"), children: 40, max_children: 200 }),
  },
  {
    tenant: "globex",
    domain: domains.globex,
    class: "leaf",
    count: 2400,
    first: 30_000,
    extra: (roll, id) => {
      const home = (Number(id.slice(-5)) - 30_000) % 60;
      const second = roll.chance(0.4) ? [`gateway-${30_000 + ((home + 1) % 60)}`] : [];
      return { via: [`gateway-${30_000 + home}`, ...second] };
    },
  },
  {
    tenant: "hosp",
    domain: domains.hosp,
    class: "pump",
    count: 500,
    first: 40_000,
    extra: (roll, id) => ({
      credentials: {
        [`fp-${id}-t`]: credential({ bound_at: "@-5d", usage: "telemetry" }),
        [`fp-${id}-c`]: credential({ bound_at: "@-5d", usage: "control" }),
      },
      ...attestation(roll, `fp-${id}-t`, "safety"),
    }),
  },
  {
    tenant: "acme-lab",
    domain: domains.lab,
    class: "sensor",
    count: 300,
    first: 50_000,
    extra: (roll) => ({
      credentials: { "tok-proto": credential({ bound_at: "@-10d", devices: 40, ...token }) },
      firmware: firmware(1_007_003, { channel: roll.chance(0.5) ? "debug" : "test" }),
    }),
  },
  ...["meter", "sensor"].map((deviceClass) => ({
    tenant: "acme-staging",
    domain: domains.staging,
    class: deviceClass,
    count: 600,
    first: 60_000,
  })),
  { tenant: "vandelay", domain: domains.acme, class: "meter", count: 400, first: 70_000 },
];
