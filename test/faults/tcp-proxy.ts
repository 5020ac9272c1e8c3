/** A TCP proxy that can hold back everything, so that two processes are partitioned without either being told. */
import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #holding = false;
  #port = 0;
  /** Port of the service behind it. */
  target: number;

  private constructor(target: number, delayMs: number) {
    this.target = target;
    this.#server = createServer((near) => {
      const far = tcpConnect(this.target, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.setNoDelay(true);
        from.on("data", (chunk: Buffer) => setTimeout(() => this.#pass(() => to.write(chunk)), delayMs));
        from.on("close", () => setTimeout(() => this.#pass(() => to.destroy()), delayMs));
        from.on("error", () => from.destroy());
      }
    });
  }

  /** Listens on a free port; every chunk is delayed. */
  static async start(target: number, delayMs = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, delayMs);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    const address = proxy.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    proxy.#port = address.port;
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** From now on nothing passes, not even the end of a connection. */
  hold(): void {
    this.#holding = true;
  }

  /** Everything held back passes, in order. */
  release(): void {
    this.#holding = false;
    for (const pass of this.#held.splice(0)) pass();
  }

  #pass(step: () => void): void {
    if (this.#holding) this.#held.push(step);
    else step();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
