/** Types of `certificates.mjs`. */
export declare const trustDomain: string;
export declare function makeCertificates(options: {
  readonly out: string;
  readonly tenant: string;
  readonly devices: readonly string[];
  readonly days: number;
  readonly now: number;
}): Promise<Record<string, string>>;
