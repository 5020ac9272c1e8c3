import { once } from "node:events";
import { credentials, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import type { Peer } from "../../src/decision/identity.ts";
import { type HealthCheckResponse, HealthClient } from "../../src/gen/grpc/health/v1/health.ts";
import { ServerReflectionService } from "../../src/gen/grpc/reflection/v1/reflection.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { listenFor } from "../listener.ts";

const name = "grpc.reflection.v1.ServerReflection";
const service = { definition: ServerReflectionService, implementation: { serverReflectionInfo: () => {} } };
let listener: GrpcListener;
let client: HealthClient;

async function start(): Promise<void> {
  listener = await listenFor({ name: "anyone" } as Peer, service);
  client = new HealthClient(listener.address, credentials.createInsecure());
}
afterEach(async () => {
  client.close();
  await listener.close(100);
});

const check = (asked: string): Promise<number> =>
  new Promise((resolve, reject) =>
    client.check({ service: asked }, (error, answer) => {
      if (error === null) resolve(answer.status);
      else reject(error);
    }),
  );

test("a server does not serve until it is said to, and neither do its services", async () => {
  await start();
  expect([await check(""), await check(name)]).toEqual([2, 2]);
  listener.setServing(true);
  expect([await check(""), await check(name)]).toEqual([1, 1]);
  const { statuses } = await new Promise<{ statuses: Record<string, HealthCheckResponse> }>(
    (resolve, reject) =>
      client.list({}, (error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
  expect(statuses).toEqual({ "": { status: 1 }, [name]: { status: 1 } });
});

test("a service that is not there is not found, and unknown to who watches it", async () => {
  await start();
  await expect(check("another.Service")).rejects.toMatchObject({ code: status.NOT_FOUND });
  const watch = client.watch({ service: "another.Service" });
  watch.on("error", () => undefined);
  expect(await once(watch, "data")).toEqual([{ status: 3 }]);
  watch.cancel();
});

test("who watches is told of each change, and of the end", async () => {
  await start();
  const watch = client.watch({ service: name });
  const told: number[] = [];
  watch.on("data", (answer: HealthCheckResponse) => told.push(answer.status));
  const ended = once(watch, "error");
  await expect.poll(() => told).toEqual([2]);
  listener.setServing(true);
  listener.setServing(true);
  await expect.poll(() => told).toEqual([2, 1]);
  await listener.close(2000);
  expect((await ended)[0]).toMatchObject({ code: status.UNAVAILABLE });
  expect(told).toEqual([2, 1, 2]);
});
