/** Mends how proto-loader describes map fields, so that reflection clients accept the API description. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** `devices_by_lifecycle` as protoc names its entry [descriptor.proto, MessageOptions.map_entry]. */
function entryName(field: string): string {
  const words = field.split("_").filter((word) => word !== "");
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Entry`;
}

function mend(message: DescriptorProto, scope: string): void {
  const name = `${scope}.${message.name}`;
  for (const nested of message.nestedType) {
    mend(nested, name);
    if (nested.options?.mapEntry !== true) continue;
    const field = message.field.find(({ typeName }) => typeName.split(".").at(-1) === nested.name);
    if (field === undefined) continue;
    nested.name = entryName(field.name);
    field.typeName = `${name}.${nested.name}`;
  }
}

/**
 * A serialised `FileDescriptorProto` with the names of map entries as protoc gives them; proto-loader (protobufjs)
 * gives others, which Go clients refuse.
 */
export function withMapEntries(file: Uint8Array): Uint8Array {
  const described = fromBinary(FileDescriptorProtoSchema, file);
  const scope = described.package === "" ? "" : `.${described.package}`;
  for (const message of described.messageType) mend(message, scope);
  return toBinary(FileDescriptorProtoSchema, described);
}
