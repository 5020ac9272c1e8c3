/** Worker processes as they are started: they load while whoever started them does something else. */
import cluster, { type Worker } from "node:cluster";
import { ownProgram } from "../runtime/own-files.ts";
import { argumentsOfWorkers } from "./tune-v8.ts";

/** What a worker says once it listens. */
export const hello = "sallyport-worker";

/** A process that will be a worker when it is told what to do. */
export interface WorkerFork {
  readonly worker: Worker;
  /** Resolves when it listens: what is sent before is lost. */
  readonly listening: Promise<void>;
}

/** Starts one of `workers`. */
export function forkWorker(workers: number): WorkerFork {
  const execArgv = argumentsOfWorkers(workers);
  cluster.setupPrimary({ exec: ownProgram("worker"), args: [], execArgv, serialization: "advanced" });
  const worker = cluster.fork();
  // Told by `exit` as well; without a listener it would end the primary.
  worker.on("error", () => undefined);
  const listening = new Promise<void>((resolve) => {
    worker.on("message", (message: unknown) => {
      if (message === hello) resolve();
    });
  });
  return { worker, listening };
}

/** Workers that were started ahead of the primary's own parts. */
export class ForksAhead implements Disposable {
  readonly #count: number;
  readonly #forks: WorkerFork[];

  constructor(count: number) {
    this.#count = count;
    this.#forks = Array.from({ length: count }, () => forkWorker(count));
  }

  /** One of them that lives, or else a new one. */
  take(): WorkerFork {
    for (let fork = this.#forks.shift(); fork !== undefined; fork = this.#forks.shift())
      if (!fork.worker.isDead()) return fork;
    return forkWorker(this.#count);
  }

  /** Ends those that nobody took. */
  [Symbol.dispose](): void {
    for (const { worker } of this.#forks.splice(0)) worker.process.kill("SIGKILL");
  }
}
