/** A server as the source of a registry, for what is said only where a source is asked. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRecordValidator } from "../../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../../src/registry/registry.ts";
import { RegistryHttp } from "../../../src/registry/registry-http.ts";
import { registryMetrics } from "../../../src/registry/registry-metrics.ts";
import { ManualClock } from "../../../src/runtime/clock.ts";
import type { Scenario } from "./scenario.ts";
import { background, deviceOf } from "./source.ts";

const now = 1_800_000_000;

/** What came of a resume token that the server no longer knows. */
export interface Expiry {
  /** Tokens that the server was asked with. */
  readonly tokens: readonly string[];
  /** Whether the registry was ever not ready from the first snapshot on. */
  readonly gaps: number;
  readonly states: readonly (string | undefined)[];
  readonly resyncs: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** Plays a row of a token (`resume token=N`, `error RESUME_EXPIRED`) over HTTP. */
export async function playExpiry({ start = "", steps }: Scenario): Promise<Expiry> {
  const first = /^synced at rev (\d+)$/.exec(start)?.[1];
  const token = /^resume token=(\d+)$/.exec(steps[0] ?? "")?.[1];
  if (first === undefined || token === undefined || steps[1] !== "error RESUME_EXPIRED" || steps.length !== 2)
    throw new Error("the row is another one now");
  const clock = new ManualClock(now);
  const registry = await openRegistry({ memory: true, clock });
  const tokens: string[] = [];
  const lines = (lifecycle: string): string =>
    [...background(now), { kind: "device", record: deviceOf("meter-001", now, { state: { lifecycle } }) }]
      .map((each) => `${JSON.stringify(each)}\n`)
      .join("");
  const server = createServer((request, response) => {
    const since = new URL(request.url ?? "", "http://x").searchParams.get("since");
    if (since !== null) tokens.push(since);
    const [epoch, revision] = ["e", tokens.length === 0 ? String(first) : "300"];
    if (since === first) return void response.writeHead(410).end();
    if (since !== null) return void response.writeHead(204).end();
    response.writeHead(200, { "sallyport-epoch": epoch, "sallyport-revision": revision });
    response.end(lines(tokens.length === 0 ? "active" : "quarantined"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const source = openSource(registry, clock, server);
  let gaps = 0;
  try {
    await until(() => registry.freshness().synced);
    const state = (): string | undefined => registry.device("meter-001")?.record?.state.lifecycle;
    const states = [state()];
    await until(() => {
      if (!registry.freshness().synced) gaps++;
      return state() === "quarantined";
    });
    states.push(state());
    const metrics = registryMetrics(registry);
    const resyncs = metrics.find(({ name }) => name === "sallyport_registry_resyncs_total")?.read() ?? [];
    return { tokens: [...tokens], gaps, states, resyncs };
  } finally {
    await source[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    server.close();
  }
}

function openSource(registry: Registry, clock: ManualClock, server: Server): RegistryHttp {
  const source = new RegistryHttp(registry, {
    name: "http",
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet`),
    clock,
    validate: createRecordValidator(),
    pollMs: 20,
    backoffMs: 20,
    silenceMs: 5000,
    maxLostShare: 1,
    random: () => 0.5,
    credentials: async () => ({}),
  });
  source.start();
  return source;
}

async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!done()) {
    if (Date.now() > end) throw new Error("it did not happen within twenty seconds");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
