/** What the API's proto files say, by file and by name. */
import { readFile } from "node:fs/promises";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

function* namesOfEnum(scope: string, { name, value }: EnumDescriptorProto): Generator<string> {
  yield `${scope}.${name}`;
  // Values stand beside their enum, not in it.
  for (const each of value) yield `${scope}.${each.name}`;
}

function* namesOfMessage(scope: string, message: DescriptorProto): Generator<string> {
  const name = `${scope}.${message.name}`;
  yield name;
  for (const field of message.field) yield `${name}.${field.name}`;
  for (const oneof of message.oneofDecl) yield `${name}.${oneof.name}`;
  for (const nested of message.nestedType) yield* namesOfMessage(name, nested);
  for (const nested of message.enumType) yield* namesOfEnum(name, nested);
}

/** JSON that tools print has the names of the proto files, as all our own JSON has, not lowerCamelCase. */
function keepNames(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName = field.name;
  for (const nested of message.nestedType) keepNames(nested);
}

/** Full names that a file declares. */
function* namesIn(file: FileDescriptorProto): Generator<string> {
  for (const message of file.messageType) yield* namesOfMessage(file.package, message);
  for (const each of file.enumType) yield* namesOfEnum(file.package, each);
  for (const { method, name } of file.service) {
    yield `${file.package}.${name}`;
    for (const each of method) yield `${file.package}.${name}.${each.name}`;
  }
}

/** Serialised `FileDescriptorProto` messages of a set. */
export class Descriptors {
  readonly #files = new Map<string, FileDescriptorProto>();
  readonly #fileOf = new Map<string, string>();

  constructor(set: Uint8Array) {
    for (const file of fromBinary(FileDescriptorSetSchema, set).file) {
      for (const message of file.messageType) keepNames(message);
      this.#files.set(file.name, file);
      for (const name of namesIn(file)) this.#fileOf.set(name, file.name);
    }
  }

  /** A file and, behind it, all that it imports; `undefined`: there is none of that name. */
  file(name: string): readonly Uint8Array[] | undefined {
    if (!this.#files.has(name)) return undefined;
    // What is added while the set is walked is walked too.
    const names = new Set([name]);
    for (const each of names) for (const needed of this.#files.get(each)?.dependency ?? []) names.add(needed);
    return [...names].flatMap((each) => {
      const file = this.#files.get(each);
      return file === undefined ? [] : [toBinary(FileDescriptorProtoSchema, file)];
    });
  }

  /** The file, with its imports, that declares a symbol by its full name. */
  fileOf(symbol: string): readonly Uint8Array[] | undefined {
    const name = this.#fileOf.get(symbol);
    return name === undefined ? undefined : this.file(name);
  }
}

/** Reads a set from a file, as `buf build` writes it. */
export async function readDescriptors(path: string): Promise<Descriptors> {
  return new Descriptors(await readFile(path));
}
