/** What a policy bundle is once it has proved whole. */

/** A JSON Schema as the manifest holds it; who compiles it judges its keywords. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A whole bundle. Immutable. */
export interface Bundle {
  /** Revision as the manifest names it; never empty. */
  readonly revision: string;
  /** Grows with each release of the same policy. */
  readonly sequence: number;
  /** SHA-256 of the archive as it was read, in hex. */
  readonly digest: string;
  readonly wasm: Uint8Array;
  /** Base documents: all `data.json` files of the archive, each mounted at its folder. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Entrypoints that the manifest promises, for example `sallyport/publish`. */
  readonly entrypoints: readonly string[];
  /** Input schema by entrypoint, without `sallyport/`. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** When it should have been replaced by another, unix seconds; absent: never. It goes on deciding, with an alarm. */
  readonly expiresAt: number | undefined;
  /** Version of the contract between policies and this service. */
  readonly contract: number;
  /** All files of the archive by path, as its signature covers them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The manifest as it was read. */
  readonly manifest: unknown;
  /** Size of the archive in bytes. */
  readonly sizeBytes: number;
}

/** Bounds on an archive, against bombs. */
export interface BundleLimits {
  readonly maxArchiveBytes: number;
  /** After decompression. */
  readonly maxContentBytes: number;
  readonly maxFiles: number;
}

/** Limits in force where none are named. */
export const defaultBundleLimits: BundleLimits = {
  maxArchiveBytes: 16 * 1024 * 1024,
  maxContentBytes: 64 * 1024 * 1024,
  maxFiles: 4096,
};
