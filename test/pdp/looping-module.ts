/** Test support: the shipped module with other code at the beginning of its `eval` (WebAssembly core spec, 5.5). */

/** `loop br 0 end`, `unreachable`, and a loop that grows memory by a page until it cannot. */
const codes = {
  loop: [0x03, 0x40, 0x0c, 0x00, 0x0b],
  trap: [0x00],
  grow: [0x03, 0x40, 0x41, 0x01, 0x40, 0x00, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x0c, 0x00, 0x0b],
} as const;

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Reads numbers and names of a section one after the other. */
class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
  take(length: number): Uint8Array {
    return this.bytes.subarray(this.at, (this.at += length));
  }
}

/** Four `x` as a number, and where they are looked for in an input. */
const marker = [0x41, ...leb(0x78787878)];
const places = [600, 700] as const;
/** `local.get 0 i32.load offset=place i32.const marker i32.eq`: parameter 0 of `opa_json_parse` is the text's address. */
const isMarked = (place: number): number[] => [0x20, 0x00, 0x28, 0x00, ...leb(place), ...marker, 0x46];

/**
 * The module with the code put before what `eval` does; `marked`: before what `opa_json_parse` does, and run only for
 * an input that has a run of `x` at certain places, as one about a long topic of them has.
 */
export function loopingModule(wasm: Uint8Array, what: keyof typeof codes, marked = false): Uint8Array {
  const module = new WebAssembly.Module(wasm);
  const imported = WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function").length;
  const whole = new Cursor(wasm);
  const out: number[] = [...whole.take(8)];
  let target = -1;
  const [first, second] = places;
  const code = marked
    ? [...isMarked(first), ...isMarked(second), 0x71, 0x04, 0x40, ...codes[what], 0x0b]
    : codes[what];
  while (whole.at < wasm.length) {
    const id = whole.number();
    const section = new Cursor(whole.take(whole.number()));
    if (id === 7) target = exported(section, marked ? "opa_json_parse" : "eval") - imported;
    const body = id === 10 ? patched(section, target, code) : section.bytes;
    out.push(id, ...leb(body.length));
    for (const byte of body) out.push(byte);
  }
  return Uint8Array.from(out);
}

function exported(section: Cursor, wanted: string): number {
  for (let left = section.number(); left > 0; left--) {
    const name = Buffer.from(section.take(section.number())).toString();
    const [kind, index] = [section.number(), section.number()];
    if (name === wanted && kind === 0) return index;
  }
  throw new Error(`no function \`${wanted}\``);
}

function patched(section: Cursor, target: number, code: readonly number[]): number[] {
  const count = section.number();
  const out = leb(count);
  for (let index = 0; index < count; index++) {
    let body = section.take(section.number());
    if (index === target) {
      const locals = new Cursor(body);
      for (let groups = locals.number(); groups > 0; groups--) {
        locals.number();
        locals.number();
      }
      body = Uint8Array.from([...body.subarray(0, locals.at), ...code, ...body.subarray(locals.at)]);
    }
    out.push(...leb(body.length));
    for (const byte of body) out.push(byte);
  }
  return out;
}
