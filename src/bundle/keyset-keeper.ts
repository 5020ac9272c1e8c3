/** The keyset in force: pinned once, then replaced only as the one in force permits. */
import { channel } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { checkSuccession, type Keyset, readKeyset } from "./keyset.ts";

const news = channel("sallyport:bundle:keyset");

/** What the channel `sallyport:bundle:keyset` says: another keyset is in force, or one was refused. */
export interface KeysetNews {
  readonly version: number;
  readonly fault?: Fault;
}

/** Parts of a {@link KeysetKeeper}. */
export interface KeysetKeeperParts {
  readonly clock: Clock;
  /** The text of the configured file. Rejects with a fault. */
  read(): Promise<string>;
  /** What must hold of any keyset beside its signatures; throws a fault. */
  check(keyset: Keyset): void;
  /** Text of the keyset that was in force before the restart, where it was kept. */
  readonly kept?: string | undefined;
}

/** Holds the keyset in force. */
export class KeysetKeeper {
  readonly #parts: KeysetKeeperParts;
  #keyset: Keyset;
  #refused = "";

  private constructor(parts: KeysetKeeperParts, keyset: Keyset) {
    this.#parts = parts;
    this.#keyset = keyset;
  }

  /**
   * Starts with what was kept, else with the pinned file.
   * @throws Fault `keyset_invalid`, `config_invalid`
   */
  static async open(parts: KeysetKeeperParts): Promise<KeysetKeeper> {
    const keyset = readKeyset(parts.kept ?? (await parts.read()));
    parts.check(keyset);
    const keeper = new KeysetKeeper(parts, keyset);
    if (parts.kept !== undefined) await keeper.look();
    return keeper;
  }

  get keyset(): Keyset {
    return this.#keyset;
  }

  /** Looks at the file again. One that may not follow is refused, said once, and the one in force stays. */
  async look(): Promise<void> {
    let text = "";
    try {
      text = await this.#parts.read();
      if (text === this.#keyset.text || text === this.#refused) return;
      const next = readKeyset(text);
      // An older one is the pin that a later one has replaced: nothing to say.
      if (next.digest === this.#keyset.digest || next.version < this.#keyset.version) return;
      checkSuccession(this.#keyset, next, this.#parts.clock.now());
      this.#parts.check(next);
      this.#keyset = next;
      this.#refused = "";
      const done: KeysetNews = { version: next.version };
      news.publish(done);
    } catch (thrown) {
      this.#refused = text;
      const fault = Fault.from(thrown, "keyset_invalid", "the keyset cannot be read again");
      const refused: KeysetNews = { version: this.#keyset.version, fault };
      news.publish(refused);
    }
  }
}
