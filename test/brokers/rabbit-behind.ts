/** A real RabbitMQ whose HTTP backend is a service with the fleet of `service.ts`. */
import type { App } from "../../src/app.ts";
import { freePort } from "../free-port.ts";
import { Rabbit } from "../rabbit.ts";
import { makePremises, type Premises, startIn } from "./service.ts";

const secret = "a-secret-of-the-path";

/** Both. */
export interface RabbitBehind extends AsyncDisposable {
  readonly rabbit: Rabbit;
  readonly premises: Premises;
  /** The service as it runs now. */
  app: App;
}

/** Starts the broker (13 seconds or more) and the service. */
export async function startRabbitBehind(): Promise<RabbitBehind> {
  const http = `127.0.0.1:${await freePort()}`;
  const door = `http://${http}/broker/hall/${secret}`;
  const rabbit = await Rabbit.start(`auth_backends.1 = internal
auth_backends.2 = http
auth_http.http_method = post
auth_http.user_path = ${door}/user
auth_http.vhost_path = ${door}/vhost
auth_http.resource_path = ${door}/resource
auth_http.topic_path = ${door}/topic
`);
  const { password, url, user } = rabbit.api;
  const premises = makePremises(
    (file) => [
      {
        name: "hall",
        dialect: "rabbitmq",
        peer: "broker",
        secret: file("path-secret", secret),
        max_qos: 1,
        may_retain: false,
        rate_classes: ["standard", "degraded"],
        // The tests come back more often than a device does.
        connects: { per_s: 100, burst: 500 },
        kick: { url, user, password: file("management", password) },
      },
    ],
    { http: { listen: http } },
  );
  const behind: RabbitBehind = {
    rabbit,
    premises,
    app: await startIn(premises),
    async [Symbol.asyncDispose]() {
      await behind.app.close();
      await rabbit[Symbol.asyncDispose]();
      premises[Symbol.dispose]();
    },
  };
  return behind;
}
