/** A server that counts its changes, as a source of records: it can be silent, and knows what its asker has in force. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Change {
  readonly revision: number;
  readonly line: object;
}

/** Records by key, and the changes that led there. */
export class ChangeServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#answer(request.url ?? "", response));
  readonly #records = new Map<string, object>();
  readonly #changes: Change[] = [];
  /** Answers that are held back while it is silent. */
  readonly #held = new Set<ServerResponse>();
  #silent = false;
  /** Revision of its last change. */
  revision = 0;
  /** Everything up to here is in force where it is asked from, in every process. */
  applied = 0;

  static async listen(): Promise<ChangeServer> {
    const made = new ChangeServer();
    made.#server.listen(0, "127.0.0.1");
    await new Promise((resolve) => made.#server.once("listening", resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/fleet`;
  }

  /** One change; returns its revision. */
  put(kind: string, key: string, record: object): number {
    const line = { kind, record };
    this.#records.set(key, line);
    this.#changes.push({ revision: ++this.revision, line });
    return this.revision;
  }

  /** From now on it takes questions and answers none, or answers as before. */
  set silent(silent: boolean) {
    this.#silent = silent;
    if (silent) return;
    for (const response of this.#held) response.destroy();
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, response: ServerResponse): void {
    if (this.#silent) return void this.#held.add(response);
    const since = new URL(path, "http://x").searchParams.get("since");
    response.setHeader("sallyport-epoch", "e1").setHeader("sallyport-revision", String(this.revision));
    if (since === null) return void response.end(ndjson([...this.#records.values()]));
    // It asks for what comes next only when all before is in force.
    this.applied = Math.max(this.applied, Number(since));
    const news = this.#changes.filter(({ revision }) => revision > Number(since));
    if (news.length === 0) return void response.writeHead(204).end();
    response.end(
      ndjson(
        news.map(({ line, revision }) => ({ ...line, revision, version: revision, prev: revision - 1 })),
      ),
    );
  }
}

function ndjson(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
