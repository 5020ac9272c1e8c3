/** What of a feed an operator should hear of, however seldom somebody looks at its status. */
import { channel } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";
import { RareNews } from "./rare-news.ts";

const crossTenant = channel("sallyport:registry:cross-tenant");
const clockBack = channel("sallyport:registry:clock-back");

/** News of one source. */
export class FeedNews {
  readonly #source: string;
  readonly #crossTenant: RareNews;
  readonly #clockBack: RareNews;

  constructor(source: string, clock: Clock) {
    this.#source = source;
    this.#crossTenant = new RareNews(crossTenant, clock);
    this.#clockBack = new RareNews(clockBack, clock);
  }

  /** It wrote a record of a tenant that is not its own (SYN-16). */
  crossTenant(key: string): void {
    this.#crossTenant.tell({ alert: "cross_tenant_access", source: this.#source, key });
  }

  /** Its clock went back: its age goes on by our own time of receipt (SYN-18). */
  clockBack(asOf: number, before: number): void {
    this.#clockBack.tell({ source: this.#source, as_of: asOf, before });
  }
}
