/**
 * Makes a demo authority, a certificate for the broker and one per device, into `var/mqtt-broker/`:
 *
 *   node examples/mqtt-broker/certificates.mjs [--out DIR] [--tenant acme] [--days 90] [DEVICE...]
 *
 * and prints `{"DEVICE": "sha256:..."}`, the fingerprints that device records must list; the same goes to
 * `fingerprints.json`. A device is named in its certificate by a SPIFFE id, `spiffe://<trust domain>/tenant/<tenant>/device/<device>`.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { fingerprint, issue, newKey, pem } from "./x509.mjs";

/** The trust domain of the example fleet. */
export const trustDomain = "prod.devices.acme.example";

const day = 86_400;

/** Writes everything below `out`; `now` in unix seconds. Resolves to fingerprints by device. */
export async function makeCertificates({ out, tenant, devices, days, now }) {
  await mkdir(out, { recursive: true });
  const validity = { notBefore: now - 60, notAfter: now + days * day };
  const authority = { cn: "Sallyport demo authority", key: undefined };
  const keys = newKey();
  authority.key = keys.privateKey;
  const root = issue({
    cn: authority.cn,
    publicKey: keys.publicKey,
    key: keys.privateKey,
    ca: true,
    notBefore: now - 60,
    notAfter: now + 3650 * day,
  });
  await writeFile(join(out, "ca.pem"), pem(root));

  const save = async (file, options) => {
    const { publicKey, privateKey } = newKey();
    const der = issue({ ...validity, ...options, publicKey, issuer: authority });
    await writeFile(join(out, `${file}.pem`), pem(der));
    await writeFile(join(out, `${file}.key`), privateKey.export({ format: "pem", type: "pkcs8" }), {
      mode: 0o600,
    });
    return fingerprint(der);
  };
  await save("broker", { cn: "localhost", dnsNames: ["localhost"], addresses: ["127.0.0.1"] });
  const fingerprints = {};
  for (const device of devices) {
    const uri = `spiffe://${trustDomain}/tenant/${tenant}/device/${device}`;
    fingerprints[device] = await save(device, { cn: device, uris: [uri] });
  }
  await writeFile(join(out, "fingerprints.json"), `${JSON.stringify(fingerprints, null, 2)}\n`);
  return fingerprints;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string", default: "var/mqtt-broker" },
      tenant: { type: "string", default: "acme" },
      days: { type: "string", default: "90" },
    },
  });
  const fingerprints = await makeCertificates({
    out: values.out,
    tenant: values.tenant,
    devices: positionals.length > 0 ? positionals : ["meter-001"],
    days: Number(values.days),
    now: Math.floor(Date.now() / 1000),
  });
  console.log(JSON.stringify(fingerprints, null, 2));
}
