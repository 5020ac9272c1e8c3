/** What gates look at: one device with its registered credential, at a moment, beside what the scan has in common. */
import type { CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import { bucketOf } from "../pdp/bucket.ts";
import { registeredFingerprint } from "../pdp/join-ota.ts";
import { Fault } from "../runtime/fault.ts";

/** The scene of a scan; it is moved from device to device. */
export class Scene {
  now = 0;
  /** Counts the devices looked at. */
  stamp = 0;
  /** Salt of the rollout's buckets. */
  salt = "";
  device!: DeviceRecord;
  fingerprint: string | undefined;
  credential: CredentialRecord | undefined;
  #bucket = -1;

  /** Looks at another device. */
  look(device: DeviceRecord, salt: string): void {
    const fingerprint = registeredFingerprint(device);
    this.device = device;
    this.fingerprint = fingerprint;
    this.credential = fingerprint === undefined ? undefined : device.credentials[fingerprint];
    this.salt = salt;
    this.#bucket = -1;
    this.stamp += 1;
  }

  /** The bucket, computed only when it is asked for. */
  get bucket(): number {
    if (this.#bucket < 0) this.#bucket = bucketOf(this.salt, this.device.id);
    return this.#bucket;
  }
}

/** `tenant`, `release`, `rollout`: what the devices of a scan have in common. */
export type Common = Readonly<Record<string, unknown>>;

/** A fact by its path. */
export interface Reading {
  /** Whether the path names several values. */
  readonly spread: boolean;
  /** Whether it is the same for every device. */
  readonly common: boolean;
  /** Of a spread path that names one value at most: whether there is one. */
  readonly present: ((scene: Scene) => boolean) | undefined;
  /** The value; of a spread path the first. */
  readonly one: (scene: Scene) => unknown;
  readonly all: (scene: Scene) => readonly unknown[];
}

type Fields = Readonly<Record<string, unknown>>;

const none: readonly unknown[] = [];

/** What the policy sees of a credential that is not presented: `credentialPart` of the join, field by field. */
const credentialFields: Readonly<Record<string, (scene: Scene) => unknown>> = {
  type: ({ credential }) => credential?.type,
  not_before: ({ credential }) => credential?.not_before,
  not_after: ({ credential }) => credential?.not_after,
  key_protection: ({ credential }) => credential?.key_protection,
  fingerprint: ({ fingerprint }) => fingerprint,
  trust_domain: ({ credential, device }) => (credential === undefined ? undefined : device.trust_domain),
  device_id: ({ credential, device }) => (credential === undefined ? undefined : device.id),
  tenant: ({ credential, device }) => (credential === undefined ? undefined : device.tenant),
};

function step(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Fields)[name] : undefined;
}

function walk(value: unknown, steps: readonly string[]): readonly unknown[] {
  let found: readonly unknown[] = [value];
  for (const name of steps)
    found = found.flatMap((each) => {
      if (typeof each !== "object" || each === null) return none;
      return name === "*" ? (Object.values(each) as unknown[]) : [step(each, name)];
    });
  return found;
}

/** What stands below `device.A.B.*`, and of each the field `C` of `device.A.B.*.C`. */
function below(steps: readonly string[]): (scene: Scene) => readonly unknown[] {
  const star = steps.indexOf("*");
  const [field, ...more] = steps.slice(star + 1);
  if (more.length > 0 || star === 0) return ({ device }) => walk(device, steps);
  const holder = ofDevice(steps.slice(0, star));
  return (scene) => {
    const held = holder(scene);
    if (typeof held !== "object" || held === null) return none;
    const values = Array.isArray(held) ? (held as unknown[]) : (Object.values(held) as unknown[]);
    if (field === undefined || values.length === 0) return values;
    return values.flatMap((value) =>
      typeof value === "object" && value !== null ? [step(value, field)] : none,
    );
  };
}

function ofDevice(steps: readonly string[]): (scene: Scene) => unknown {
  const [first = "", second, third, ...more] = steps;
  if (first === "ota" && second === "bucket") return (scene) => scene.bucket;
  if (second === undefined) return ({ device }) => (device as unknown as Fields)[first];
  if (third === undefined) return ({ device }) => step((device as unknown as Fields)[first], second);
  if (more.length === 0)
    return ({ device }) => step(step((device as unknown as Fields)[first], second), third);
  return ({ device }) => walk(device, steps)[0];
}

function single(one: Reading["one"], common = false): Reading {
  return { spread: false, common, present: undefined, one, all: (scene) => [one(scene)] };
}

function several(all: Reading["all"], common = false): Reading {
  return { spread: true, common, present: undefined, one: (scene) => all(scene)[0], all };
}

/** How a dotted path is read; `*` is every value below. Throws `bundle_invalid` where nobody holds such a fact. */
export function compileReading(path: string, common: Common): Reading {
  const [root = "", ...steps] = path.split(".");
  const spread = steps.includes("*");
  if (Object.hasOwn(common, root)) {
    const values = walk(common[root], steps);
    return spread ? several(() => values, true) : single(() => values[0], true);
  }
  if (root === "credential" && steps.length === 1) {
    const read = Object.hasOwn(credentialFields, steps[0] as string)
      ? credentialFields[steps[0] as string]
      : undefined;
    if (read !== undefined) return single(read);
  }
  if (root === "device" && steps.length > 0) {
    if (steps[0] !== "credentials") {
      return spread ? several(below(steps)) : single(ofDevice(steps));
    }
    // Only the registered credential is in the input.
    const [, star, field, ...more] = steps;
    if (star === "*" && field !== undefined && more.length === 0) {
      const one = ({ credential }: Scene): unknown => step(credential, field);
      const present = ({ credential }: Scene): boolean => credential !== undefined;
      return {
        spread: true,
        common: false,
        present,
        one,
        all: (scene) => (present(scene) ? [one(scene)] : none),
      };
    }
  }
  throw new Fault("bundle_invalid", `a gate or cut of \`ota\` looks at \`${path}\`, which a device has not`);
}
