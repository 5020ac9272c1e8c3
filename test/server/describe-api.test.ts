/** Reflection, asked without a tool: test/server/reflection.test.ts asks with grpcurl. */
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Peer } from "../../src/decision/identity.ts";
import { HealthService } from "../../src/gen/grpc/health/v1/health.ts";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../../src/gen/grpc/reflection/v1/reflection.ts";
import { DecisionServiceService } from "../../src/gen/sallyport/v1/decision.ts";
import { ownFile } from "../../src/runtime/own-files.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { listenFor } from "../listener.ts";

let listener: GrpcListener;
beforeAll(async () => {
  const service = { definition: DecisionServiceService, implementation: {} };
  listener = await listenFor({ name: "anyone" } as Peer, service, {
    descriptors: ownFile("proto/descriptors.binpb"),
  });
});
afterAll(() => listener.close(100));

type Asked = NonNullable<ServerReflectionRequest["message_request"]>;
type Answer = ServerReflectionResponse["message_response"];

/** Asks all in one stream; the answers, in order. */
function ask(version: "v1" | "v1alpha", ...asked: Asked[]): Promise<Answer[]> {
  const { serverReflectionInfo: method } = ServerReflectionService;
  const path = method.path.replace(".v1.", `.${version}.`);
  const Client = makeGenericClientConstructor({ info: { ...method, path } }, "Reflection");
  const client = new Client(listener.address, credentials.createInsecure());
  const stream = client["info"]?.();
  const answers: Answer[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", ({ message_response }: ServerReflectionResponse) => answers.push(message_response));
    stream.on("error", reject);
    stream.on("end", () => {
      client.close();
      resolve(answers);
    });
    for (const message_request of asked) stream.write({ host: "", message_request });
    stream.end();
  });
}

const filesOf = (answer: Answer): string[] =>
  answer?.$case === "file_descriptor_response"
    ? answer.value.file_descriptor_proto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
    : [];

const code = (answer: Answer): unknown => answer?.$case === "error_response" && answer.value.error_code;

test.each(["v1", "v1alpha"] as const)("%s lists what the server has, health included", async (version) => {
  const [listed] = await ask(version, { $case: "list_services", value: "" });
  const names = [DecisionServiceService, HealthService].map(
    (service) => Object.values(service)[0]?.path.split("/")[1],
  );
  expect(listed).toEqual({
    $case: "list_services_response",
    value: { service: names.map((name) => ({ name })) },
  });
});

test("a service, a method, a nested message, a field and a value of an enum are in their file, with what it imports", async () => {
  const symbols = [
    "sallyport.v1.AdminService",
    "sallyport.v1.AdminService.SetOverride",
    "sallyport.v1.Override",
    "sallyport.v1.Override.reason",
  ];
  const answers = await ask(
    "v1",
    ...symbols.map((value) => ({ $case: "file_containing_symbol", value }) as const),
    { $case: "file_by_filename", value: "sallyport/v1/admin.proto" },
  );
  for (const answer of answers) expect(filesOf(answer)[0]).toBe("sallyport/v1/admin.proto");
  const [health] = await ask("v1", {
    $case: "file_containing_symbol",
    value: "grpc.health.v1.HealthCheckResponse.SERVING",
  });
  expect(filesOf(health)).toEqual(["grpc/health/v1/health.proto"]);
});

test("what is not there is an answer that says so, and the stream goes on", async () => {
  const answers = await ask(
    "v1",
    { $case: "file_containing_symbol", value: "sallyport.v1.Nothing" },
    { $case: "file_by_filename", value: "../package.json" },
    { $case: "all_extension_numbers_of_type", value: "sallyport.v1.Override" },
    {
      $case: "file_containing_extension",
      value: { containing_type: "sallyport.v1.Override", extension_number: 1 },
    },
    { $case: "list_services", value: "" },
  );
  expect(answers.slice(0, 2).map(code)).toEqual([5, 5]);
  expect(answers[2]).toMatchObject({ $case: "all_extension_numbers_response" });
  expect(code(answers[3])).toBe(5);
  expect(answers[4]).toMatchObject({ $case: "list_services_response" });
});
