import { describe, expect, it } from "vitest";
import type { HttpRequest, HttpRoute, Metric } from "../../src/runtime/ports.ts";
import { healthRoutes, type Requirement } from "../../src/telemetry/health-routes.ts";
import { metricsRoute } from "../../src/telemetry/metrics-route.ts";

const request: HttpRequest = {
  method: "GET",
  path: "/",
  query: {},
  headers: {},
  body: new Uint8Array(),
  peer: undefined,
};

async function get(routes: readonly HttpRoute[], path: string) {
  const route = routes.find((candidate) => candidate.path === path);
  if (route === undefined) throw new Error(`no route ${path}`);
  return route.handle(request);
}

describe("/metrics", () => {
  let hits = 1;
  const cache: Metric = {
    name: "sallyport_cache_hits_total",
    help: "Hits.",
    type: "counter",
    read: () => [
      { labels: { kind: "publish" }, value: hits },
      { labels: { kind: "connect" }, value: 2 },
    ],
  };
  const age: Metric = {
    name: "sallyport_age",
    help: "Age.",
    type: "gauge",
    read: () => [{ labels: {}, value: -1.5 }],
  };

  it("reads every metric when somebody collects", async () => {
    const routes = [metricsRoute([cache, age])];
    const first = await get(routes, "/metrics");
    expect(first.status).toBe(200);
    expect(first.headers["content-type"]).toMatch("text/plain; version=0.0.4");
    expect(first.body).toMatch("# TYPE sallyport_cache_hits_total counter");
    expect(first.body).toMatch('sallyport_cache_hits_total{kind="publish"} 1\n');
    expect(first.body).toMatch("sallyport_age -1.5\n");
    expect(first.body).toMatch("process_cpu_user_seconds_total");
    hits = 5;
    expect((await get(routes, "/metrics")).body).toMatch('sallyport_cache_hits_total{kind="publish"} 5\n');
  });

  it("puts the samples of parts that share a metric together", async () => {
    const other: Metric = { ...cache, read: () => [{ labels: { kind: "command", worker: "2" }, value: 9 }] };
    const { body } = await get([metricsRoute([cache, other])], "/metrics");
    expect(body).toMatch('sallyport_cache_hits_total{kind="command",worker="2"} 9\n');
    expect(String(body).match(/# TYPE sallyport_cache_hits_total/g)).toHaveLength(1);
  });

  it("leaves out and names what cannot be read", async () => {
    const broken: Metric = {
      name: "sallyport_broken",
      help: "Broken.",
      type: "gauge",
      read: () => {
        throw new Error("no");
      },
    };
    const wrong: Metric = {
      ...broken,
      name: "sallyport_wrong",
      type: "counter",
      read: () => [{ labels: {}, value: -1 }],
    };
    const { status, body } = await get([metricsRoute([broken, wrong, age])], "/metrics");
    expect(status).toBe(200);
    expect(body).toMatch('sallyport_metrics_unreadable{metric="sallyport_broken"} 1');
    expect(body).toMatch('sallyport_metrics_unreadable{metric="sallyport_wrong"} 1');
    expect(body).toMatch("sallyport_age -1.5\n");
    expect(body).not.toMatch("\nsallyport_wrong");
  });

  it("is not open to everybody", () => {
    expect(metricsRoute([]).open).toBe(false);
  });
});

describe("health", () => {
  const missing = new Map([["registry", "no snapshot has completed"]]);
  const requirements: Requirement[] = [
    { name: "bundle", missing: () => missing.get("bundle") },
    { name: "registry", missing: () => missing.get("registry") },
  ];
  const routes = healthRoutes(requirements);

  it("is live as soon as it answers, and ready when nothing is missing", async () => {
    expect(routes.every(({ open }) => open)).toBe(true);
    expect(await get(routes, "/healthz")).toMatchObject({ status: 200, body: '{"status":"live"}\n' });
    const waiting = await get(routes, "/readyz");
    expect(waiting.status).toBe(503);
    expect(JSON.parse(String(waiting.body))).toEqual({
      status: "not_ready",
      missing: [{ name: "registry", why: "no snapshot has completed" }],
    });
    missing.clear();
    expect(await get(routes, "/readyz")).toMatchObject({ status: 200, body: '{"status":"ready"}\n' });
  });

  it("is not ready when that cannot be told", async () => {
    const broken = healthRoutes([
      {
        name: "bundle",
        missing: () => {
          throw new Error("no");
        },
      },
    ]);
    expect((await get(broken, "/readyz")).status).toBe(503);
  });
});
