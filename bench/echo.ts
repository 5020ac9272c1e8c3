/** What the yardsticks have in common: an answer as large as a real one, and a bare grpc-js server. */
import grpc from "@grpc/grpc-js";
import { type Decision, RetryClass } from "../src/gen/sallyport/v1/decision.ts";

/** As many fields and bytes as a real answer has. */
export const decision: Decision = {
  allow: true,
  reason: "ok",
  findings: [],
  retry: RetryClass.RETRY_CLASS_UNSPECIFIED,
  obligations: { rate_class: "standard", notify: [] },
  valid_until: 1_800_000_300,
  bundle_revision: "0123456789ab-1",
  registry_revision: 12_345,
  registry_age_s: 1,
  decision_id: "AbCdEfGhIjKl-zzzz",
  cached: true,
};

/** Serves on a free port of this machine until SIGTERM, and says `listening PORT`. */
export function serveEcho(service: grpc.ServiceDefinition, implementation: object): void {
  const server = new grpc.Server();
  server.addService(service, implementation as grpc.UntypedServiceImplementation);
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.stdout.write(`listening ${port}\n`);
  });
  process.on("SIGTERM", () => server.forceShutdown());
}
