/** HTTP/1.1 load over connections that stay open, one request at a time on each: as little as a generator can do. */
import { connect, type Socket } from "node:net";

/** One request, asked again and again. */
export interface HttpAsk {
  readonly port: number;
  readonly path: string;
  readonly body: string;
}

const head = /^HTTP\/1\.1 (\d+)/;

function requestBytes({ body, path, port }: HttpAsk): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Where the first whole response ends in `text`; `undefined`: it is not there yet. */
function endOf(text: string): number | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  if (length === undefined) throw new Error(`a response without a length: ${text.slice(0, end)}`);
  const whole = end + 4 + Number(length);
  return text.length >= whole ? whole : undefined;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

/** Asks on `connections` for `ms`; returns answers per second. `check` looks at each body. */
export async function requestsPerSecond(
  ask: HttpAsk,
  connections: number,
  ms: number,
  check: (body: string) => boolean,
): Promise<number> {
  const bytes = requestBytes(ask);
  const started = performance.now();
  let answered = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = await open(ask.port);
      await new Promise<void>((resolve, reject) => {
        let text = "";
        socket.on("error", reject);
        socket.on("close", () => reject(new Error("the server hung up")));
        socket.on("data", (chunk) => {
          text += chunk.toString("latin1");
          const end = endOf(text);
          if (end === undefined) return;
          const body = text.slice(text.indexOf("\r\n\r\n") + 4, end);
          if (head.exec(text)?.[1] !== "200" || !check(body)) reject(new Error(`an odd answer: ${text}`));
          text = text.slice(end);
          answered += 1;
          if (performance.now() - started < ms) socket.write(bytes);
          else resolve();
        });
        socket.write(bytes);
      }).finally(() => socket.destroy());
    }),
  );
  return (answered * 1000) / (performance.now() - started);
}
