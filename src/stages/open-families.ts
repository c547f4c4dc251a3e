/**
 * Opens what a filter measures with: heuristics as they are, and those that need a model, an index or lists from their files. Code that few
 * pipelines need is loaded when it is needed, since every worker starts with this file.
 */
import { readFileSync } from 'node:fs';
import { invariant } from '../core/errors.ts';
import type { ContaminationIndex } from '../decontaminate/contamination-index.ts';
import {
  type ContaminationMatch,
  contaminationSpec,
  type MeasuredContamination,
  measureContamination,
} from '../decontaminate/contamination-signals.ts';
import { badWordsFamily, badWordsSpec, parseBadWords } from '../filters/c4-badwords.ts';
import { familyNamed } from '../filters/families.ts';
import { languageFamily } from '../filters/language.ts';
import { regexFamily, regexSpec } from '../filters/regex.ts';
import type { SignalFamily } from '../filters/signal.ts';
import { parseUnigramCounts, unigramFamily, unigramSpec } from '../filters/unigram.ts';
import { urlFamily } from '../filters/url.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { type ColumnScores, columnFamily, columnOfModel } from './column-score.ts';
import { loadUrlLists } from './load-url-lists.ts';
import { openBenchmarkIndex } from './open-benchmark-index.ts';
import type { ClassifierStep, ResolvedFilter } from './resolved-filter.ts';
import { sharedModel } from './shared-model.ts';
import { classifierSpec, signalGroups } from './signal-groups.ts';

export interface OpenedFamilies {
  /** In the order of `signalGroups`. */
  families: readonly SignalFamily[];
  /** Set before each document. */
  scores: ColumnScores;
}

/** Scans a document once and answers both the signals and the label. */
export class ContaminationFamily implements SignalFamily {
  readonly name = contaminationSpec.name;
  readonly source = contaminationSpec.source;
  readonly signals = contaminationSpec.signals;
  readonly labels = contaminationSpec.labels;
  private readonly index: ContaminationIndex;
  private last: MeasuredContamination | undefined;

  constructor(index: ContaminationIndex) {
    this.index = index;
  }

  measure(document: MeasuredText): Float64Array {
    this.last = measureContamination(this.index, document.text);
    return this.last.values;
  }

  label(): (string | null)[] {
    return this.last?.labels ?? [];
  }

  /** Of the document measured last. */
  get matches(): readonly ContaminationMatch[] {
    return this.last?.matches ?? [];
  }
}

/** `folder`: the run folder, which has the index of benchmarks. */
export async function openFamilies(filter: ResolvedFilter, folder: string): Promise<OpenedFamilies> {
  const scores: ColumnScores = { columnAt: () => Number.NaN };
  const families: SignalFamily[] = [];
  for (const { spec } of signalGroups(filter)) {
    const classifier = filter.classifiers.find(({ name }) => classifierSpec(name).name === spec.name);
    if (classifier !== undefined) families.push(await openScorer(classifier, scores));
    else if (spec.name === contaminationSpec.name)
      families.push(new ContaminationFamily(openBenchmarkIndex(folder)));
    else families.push(await openHeuristic(spec.name, filter));
  }
  return { families, scores };
}

async function openHeuristic(name: string, filter: ResolvedFilter): Promise<SignalFamily> {
  if (name === 'language') {
    const { openLanguage } = await import('../../classifiers/language/open-language.ts');
    const { model, languages } = filter.language;
    return languageFamily(await openLanguage({ model: sharedModel(model), languages }), { languages });
  }
  const { badWords, unigramCounts } = filter;
  if (name === badWordsSpec.name && badWords !== null)
    return badWordsFamily(parseBadWords(readFileSync(badWords.list, 'utf8')), badWords);
  if (name === unigramSpec.name && unigramCounts !== null)
    return unigramFamily(parseUnigramCounts(readFileSync(unigramCounts, 'utf8'), unigramCounts));
  if (name === regexSpec.name) return regexFamily(filter.patterns, 'the pipeline');
  if (name === 'url' && filter.urlLists !== null) return urlFamily(loadUrlLists(filter.urlLists));
  const family = familyNamed(name);
  invariant(family !== undefined, `signal family ${name} was checked when the pipeline was read`);
  return family;
}

async function openScorer(step: ClassifierStep, scores: ColumnScores): Promise<SignalFamily> {
  const spec = classifierSpec(step.name);
  const column = columnOfModel(step.model);
  if (column !== undefined) return columnFamily(spec, column, scores);
  const { openClassifier } = await import('../../classifiers/open-classifier.ts');
  const { kind, model, label, newline } = step;
  const score = await openClassifier({ kind, model: sharedModel(model), label, newline });
  return { ...spec, measure: (document) => Float64Array.of(score(document.text)) };
}
