/** `sallyport serve`. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { tuneV8 } from "../app/tune-v8.ts";
import { ForksAhead } from "../app/worker-fork.ts";
import type { Service } from "../app.ts";
import { Fault } from "../runtime/fault.ts";
import { type ConfigFlags, readConfig, withConfig } from "./config-options.ts";
import { examples } from "./examples.ts";
import { showLoading } from "./loading-bar.ts";
import { readVersion } from "./version.ts";
import { welcome } from "./welcome.ts";

/** How long after an orderly stop something may keep the process alive. */
const lingerMs = 1000;

const say = (text: string): void => void process.stderr.write(`sallyport: ${text}\n`);

/** Resolves at the first SIGTERM or SIGINT; from then on a second one ends the process at once. */
function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) {
        say(`${signal} again: stopped without waiting`);
        process.exit(1);
      }
      asked = true;
      resolve(signal);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}

async function run(flags: ConfigFlags): Promise<void> {
  const config = await readConfig(flags);
  const version = readVersion();
  const workers = config.workers ?? Math.max(1, availableParallelism() - 1);
  const loading = showLoading();
  tuneV8();
  const start = async (): Promise<Service> => {
    if (workers === 0) {
      const { startApp } = await import("../app.ts");
      return startApp(config, { version, watchdog: true });
    }
    // They load while this process does.
    const ahead = new ForksAhead(workers);
    const { startPrimary } = await import("../primary.ts");
    return startPrimary(config, workers, { version, ahead });
  };
  const app = await start();
  loading[Symbol.dispose]();
  const stopped = untilStopped();
  process.on("SIGHUP", () => {
    app.reload().then(
      () => say("read records and certificates again"),
      (thrown: unknown) => say(Fault.from(thrown, "internal", "cannot read them again").message),
    );
  });
  // Decisions on standard output stay alone there.
  const out = config.decision_log.sink === "stdout" ? process.stderr : process.stdout;
  out.write(welcome(app, config, version));
  const signal = await stopped;
  say(`${signal}: running calls have ${config.shutdown.drain_s} s to end; a second signal does not wait`);
  await app.close();
  say("stopped");
  setTimeout(() => process.exit(), lingerMs).unref();
}

/** Adds the command. */
export function serve(program: Command): void {
  const command = program
    .command("serve")
    .summary("run the decision service")
    .description(
      "Run the decision service until SIGTERM or SIGINT, which let running calls end; a second one does not.\n" +
        "SIGHUP reads records and certificates again.\n" +
        "Exit code: 0 after an orderly stop, 1 where it could not start or was cut short.",
    );
  withConfig(command)
    .option(
      "--initialize-overrides",
      "make the override store where it is missing: once, at the first start of a service",
    )
    .addHelpText(
      "after",
      examples(
        ["the example fleet on this machine", "sallyport serve --config examples/quickstart/sallyport.yaml"],
        [
          "on other ports",
          "sallyport serve --config sallyport.yaml --set grpc.listen=127.0.0.1:0 --set http.listen=127.0.0.1:0",
        ],
      ),
    )
    .action(run);
}
