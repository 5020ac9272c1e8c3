/** Extended key usages: Go's numbers are the places in this list, and OPA's names go with them. */
const purposes: readonly (readonly [oid: string, name: string])[] = [
  ["2.5.29.37.0", "KeyUsageAny"],
  ["1.3.6.1.5.5.7.3.1", "KeyUsageServerAuth"],
  ["1.3.6.1.5.5.7.3.2", "KeyUsageClientAuth"],
  ["1.3.6.1.5.5.7.3.3", "KeyUsageCodeSigning"],
  ["1.3.6.1.5.5.7.3.4", "KeyUsageEmailProtection"],
  ["1.3.6.1.5.5.7.3.5", "KeyUsageIPSECEndSystem"],
  ["1.3.6.1.5.5.7.3.6", "KeyUsageIPSECTunnel"],
  ["1.3.6.1.5.5.7.3.7", "KeyUsageIPSECUser"],
  ["1.3.6.1.5.5.7.3.8", "KeyUsageTimeStamping"],
  ["1.3.6.1.5.5.7.3.9", "KeyUsageOCSPSigning"],
  ["1.3.6.1.4.1.311.10.3.3", "KeyUsageMicrosoftServerGatedCrypto"],
  ["2.16.840.1.113730.4.1", "KeyUsageNetscapeServerGatedCrypto"],
  ["1.3.6.1.4.1.311.2.1.22", "KeyUsageMicrosoftCommercialCodeSigning"],
  ["1.3.6.1.4.1.311.61.1.1", "KeyUsageMicrosoftKernelCodeSigning"],
];

/** Any purpose. */
export const anyPurpose = "2.5.29.37.0";

/** Go's number of an extended key usage; undefined where it knows none. */
export function purposeNumber(oid: string): number | undefined {
  const at = purposes.findIndex(([own]) => own === oid);
  return at < 0 ? undefined : at;
}

/** The OID by OPA's name; undefined where it knows none. */
export const purposeByName = (name: string): string | undefined =>
  purposes.find(([, own]) => own === name)?.[0];
