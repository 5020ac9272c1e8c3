/** The yardstick: a bare grpc-js server that answers every publish check with the same decision. */
import type grpc from "@grpc/grpc-js";
import type * as wire from "../src/gen/sallyport/v1/decision.ts";
import { DecisionServiceService } from "../src/gen/sallyport/v1/decision.ts";
import { decision, serveEcho } from "./echo.ts";

const response: wire.CheckPublishResponse = { decision };

serveEcho(DecisionServiceService, {
  checkPublish: (
    _call: grpc.ServerUnaryCall<wire.CheckPublishRequest, wire.CheckPublishResponse>,
    callback: grpc.sendUnaryData<wire.CheckPublishResponse>,
  ) => callback(null, response),
});
