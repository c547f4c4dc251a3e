/**
 * The signal families there are, by name, in the order their columns are written. `families` measure with nothing but the text and
 * its address; `familySpecs` also names those that are made around a model or a list (language, c4-badwords, unigram, regex), whose
 * makers are in their own files.
 */
import { c4 } from './c4.ts';
import { badWordsSpec } from './c4-badwords.ts';
import { curatorHeuristics } from './curator-heuristics.ts';
import { dolmaGopher } from './dolma-gopher.ts';
import { finewebQuality } from './fineweb-quality.ts';
import { gopherQuality } from './gopher-quality.ts';
import { gopherRepetition } from './gopher-repetition.ts';
import { languageSpec } from './language.ts';
import { mathDensity } from './math-density.ts';
import { pii } from './pii.ts';
import { regexSpec } from './regex.ts';
import type { FamilySpec, SignalFamily, SignalSpec } from './signal.ts';
import { textStatistics } from './text-statistics.ts';
import { unigramSpec } from './unigram.ts';
import { urlFamily } from './url.ts';
import { builtInUrlLists } from './url-lists.ts';

/** Families that need no model and no file. `url` is here with the built-in lists. */
export const families: readonly SignalFamily[] = [
  gopherQuality,
  finewebQuality,
  mathDensity,
  gopherRepetition,
  c4,
  urlFamily(builtInUrlLists),
  pii,
  textStatistics,
  curatorHeuristics,
  dolmaGopher,
];

/** What every family measures, also those that need a model or a list. */
export const familySpecs: readonly FamilySpec[] = [
  ...families,
  languageSpec,
  badWordsSpec,
  unigramSpec,
  regexSpec,
];

/** The family of that name, if it needs no model and no file. */
export function familyNamed(name: string): SignalFamily | undefined {
  return families.find((family) => family.name === name);
}

/** What the family of that name measures, whatever it needs. */
export function familySpecNamed(name: string): FamilySpec | undefined {
  return familySpecs.find((family) => family.name === name);
}

/** The family that measures `signal` (`gopher.word_count`), if there is one. */
export function familyOfSignal(signal: string): FamilySpec | undefined {
  return familySpecs.find((family) => family.signals.some((spec) => spec.name === signal));
}

/** What is known about a signal: description and histogram scale. */
export function signalSpec(signal: string): SignalSpec | undefined {
  return familyOfSignal(signal)?.signals.find((spec) => spec.name === signal);
}
