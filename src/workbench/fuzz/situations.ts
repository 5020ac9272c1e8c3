/** Generated situations: which subject asks which question, with which facts changed. */
import fc from "fast-check";
import { readCutTable } from "../../pdp/cuts.ts";
import type { InputSchema } from "../../pdp/projection.ts";
import type { Sample } from "../fleet-questions.ts";
import { openMaps, placesIn, type Twist, twistsOf } from "./arbitrary-facts.ts";
import type { Choice } from "./judge.ts";
import { askAnother } from "./situation.ts";
import { twistFacts } from "./twist-facts.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** What situations are generated from. */
export interface Ground {
  readonly schemas: Readonly<Record<string, unknown>>;
  /** Policy data: its numbers are thresholds, its words names. */
  readonly data: unknown;
  /** What `sallyport/cuts` returns. */
  readonly cuts: unknown;
  /** Whole situations to start from. */
  readonly bases: readonly Sample[];
}

/** A situation as it is generated, and shrunk. */
export interface Draft {
  readonly subject: number;
  readonly question: number | null;
  readonly twists: readonly Twist[];
  readonly choice: Choice;
}

/** The question of a draft with its facts. */
export function sampleOfDraft(bases: readonly Sample[], { subject, question, twists }: Draft): Sample {
  const own = bases[subject] as Sample;
  const asked = question === null ? own : askAnother(own, bases[question] as Sample);
  return { ...asked, facts: twistFacts(asked.facts, twists) };
}

/** So many generated situations; the same seed gives the same ones. */
export function generateSituations(ground: Ground, count: number, seed: number): readonly Sample[] {
  return fc
    .sample(draftsOf(ground), { numRuns: count, seed })
    .map((draft) => sampleOfDraft(ground.bases, draft));
}

/** Situations, generated from what there is to start from. */
export function draftsOf(options: Ground): fc.Arbitrary<Draft> {
  const { bases } = options;
  // A mask declares no facts.
  const schemas = (Object.values(options.schemas) as InputSchema[]).filter(
    (schema) => placesIn(schema).length > 0,
  );
  const open = new Set(schemas.flatMap((schema) => [...openMaps(schema)]));
  const kinds = Object.keys(options.schemas);
  const vocabulary: Vocabulary = vocabularyOf(
    bases.slice(0, 2000).map(({ facts }) => facts),
    options.data,
    readCutTable(options.cuts, kinds) ?? {},
    open,
  );
  const index = fc.nat(bases.length - 1);
  const twist = fc.oneof(...schemas.map((schema) => twistsOf(schema, vocabulary)));
  return fc.record({
    subject: index,
    question: fc.option(index, { nil: null, freq: 2 }),
    // `max`: else fast-check keeps lists far below their limit.
    twists: fc.array(twist, { maxLength: 6, size: "max" }),
    choice: fc.record({ harm: fc.nat(63), absent: fc.nat(1023) }),
  });
}
