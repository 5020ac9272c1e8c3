/** Starts a peer of the comparison and waits until its port takes connections. What it says of itself is not shown: Cerbos words each call that ends with the load. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer } from "node:net";

/** A program that serves. */
export interface Peer {
  readonly port: number;
  stop(): void;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", end(true));
    socket.once("error", end(false));
  });
}

/** Starts `command`; rejects where it ends or says nothing on `port` for 30 s. */
export async function startPeer(command: string, args: readonly string[], port: number): Promise<Peer> {
  const child: ChildProcess = spawn(command, args, { stdio: "ignore" });
  let ended: Error | undefined;
  child.on("error", (error) => {
    ended = error;
  });
  child.on("exit", (code) => {
    ended ??= new Error(`${command} ended with ${code}`);
  });
  for (let waited = 0; waited < 30_000; waited += 100) {
    if (ended !== undefined) throw ended;
    if (await takesConnections(port)) return { port, stop: () => void child.kill("SIGTERM") };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGKILL");
  throw new Error(`${command} does not listen on ${port}`);
}
