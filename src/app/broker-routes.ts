/** HTTP routes of a broker: below its name, for its own peer or for whoever shows its secret. */
import { timingSafeEqual } from "node:crypto";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import type { HttpRequest, HttpResponse, HttpRoute } from "../runtime/ports.ts";

/** Whether a caller shows the broker's secret, as a bearer token or as a part of the path. Takes the same time for each. */
function shows(secret: string, request: HttpRequest, segment: string): boolean {
  const bearer = (request.headers["authorization"] ?? "").replace(/^Bearer /i, "");
  const given = Buffer.from(bearer === "" ? segment : bearer);
  const wanted = Buffer.from(secret);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** How one path is answered. */
export type Answer = (request: HttpRequest) => Promise<HttpResponse>;

/** Routes below `/broker/<name>`: for the broker's own peer, or whoever shows its secret. */
export function brokerRoutes(
  name: string,
  peer: Peer,
  secret: string | undefined,
  answers: Readonly<Record<string, Answer>>,
  methods: readonly HttpRoute["method"][],
): HttpRoute[] {
  const base = `/broker/${name}`;
  const forbidden = (): never => {
    throw new Fault("peer_forbidden", "this path is another broker's, or its secret is wrong");
  };
  return Object.entries(answers).flatMap(([path, answer]) =>
    methods.flatMap((method): HttpRoute[] =>
      secret === undefined
        ? [
            {
              method,
              path: `${base}/${path}`,
              open: false,
              handle: (request) => (request.peer?.name === peer.name ? answer(request) : forbidden()),
            },
          ]
        : [`${base}/${path}`, `${base}/:secret/${path}`].map((route) => ({
            method,
            path: route,
            open: true,
            handle: (request) => {
              const segment = route.includes(":secret") ? (request.path.split("/")[3] ?? "") : "";
              return shows(secret, request, segment) ? answer(request) : forbidden();
            },
          })),
    ),
  );
}
