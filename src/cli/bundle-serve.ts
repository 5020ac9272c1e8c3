/** `sallyport bundle serve`. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { examples } from "./examples.ts";
import { readFileOf } from "./read-argument.ts";

interface Flags {
  readonly listen: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

async function run(dir: string, flags: Flags): Promise<void> {
  const [{ serveBundles }, { isLoopback, parseAddress }] = await Promise.all([
    import("../bundle/bundle-server.ts"),
    import("../config/address.ts"),
  ]);
  const address = parseAddress(flags.listen);
  if (address === undefined) {
    throw new Fault("request_invalid", `\`--listen\` has \`${flags.listen}\`: give \`host:port\``);
  }
  const { tlsCert, tlsKey, tlsClientCa, tokenFile } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new Fault("request_invalid", "`--tls-cert` and `--tls-key` go together");
  }
  if (tlsCert === undefined && tokenFile !== undefined && !isLoopback(address.host)) {
    throw new Fault("request_invalid", "a token would travel in clear: give `--tls-cert` and `--tls-key`");
  }
  const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, "utf8").trim();
  await using server = await serveBundles({
    dir,
    ...address,
    clock: systemClock,
    ...(token === undefined ? {} : { token }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : {
          tls: {
            cert: readFileOf("--tls-cert", tlsCert),
            key: readFileOf("--tls-key", tlsKey),
            ...(tlsClientCa === undefined ? {} : { ca: readFileOf("--tls-client-ca", tlsClientCa) }),
          },
        }),
  });
  const scheme = tlsCert === undefined ? "http" : "https";
  process.stdout.write(`serving ${dir} at ${scheme}://${server.address}/\n`);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
}

/** Adds the command to `bundle`. */
export function bundleServe(parent: Command): void {
  parent
    .command("serve")
    .summary("a small bundle server")
    .description(
      "Serve the bundles of a folder, and the letters beside them, by OPA's bundle API: ETags, long polling.\n" +
        "Only files that end in .tar.gz or .letters.json are served. For tests and small sites.",
    )
    .argument("<dir>", "folder")
    .option("--listen <address>", "host:port; port 0 picks a free one", "127.0.0.1:7602")
    .option("--token-file <file>", "file with the bearer token that callers must present")
    .option("--tls-cert <file>", "certificate chain, PEM")
    .option("--tls-key <file>", "its private key, PEM")
    .option("--tls-client-ca <file>", "CAs of client certificates, PEM; makes them mandatory")
    .addHelpText("after", examples(["the bundles of this repository", "sallyport bundle serve bundles"]))
    .action(run);
}
