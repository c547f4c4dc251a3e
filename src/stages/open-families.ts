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
import type { FamilySpec, SignalFamily } from '../filters/signal.ts';
import { parseUnigramCounts, unigramFamily, unigramSpec } from '../filters/unigram.ts';
import { urlFamily } from '../filters/url.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { type ColumnScores, columnFamily, columnOfModel } from './column-score.ts';
import { loadUrlLists } from './load-url-lists.ts';
import { openBenchmarkIndex } from './open-benchmark-index.ts';
import type { ClassifierStep, RegressorStep, ResolvedFilter } from './resolved-filter.ts';
import { sharedModel } from './shared-model.ts';
import { classifierSpec, signalGroups } from './signal-groups.ts';

/** A family that measures many texts at a time, since its model is slow one by one. */
interface BatchFamily extends FamilySpec {
  /** texts x signals, in the order of the texts. `onBatch` is called before each batch of the model; it may throw to stop. */
  measureBatch(texts: readonly string[], onBatch: () => void): Promise<Float64Array>;
}

export type OpenedFamily = SignalFamily | BatchFamily;

export interface OpenedFamilies {
  /** In the order of `signalGroups`. */
  families: readonly OpenedFamily[];
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
  const families: OpenedFamily[] = [];
  for (const { spec } of signalGroups(filter)) {
    const classifier = filter.classifiers.find((step) => classifierSpec(step).name === spec.name);
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

async function openScorer(step: ClassifierStep, scores: ColumnScores): Promise<OpenedFamily> {
  const spec = classifierSpec(step);
  const column = columnOfModel(step.model);
  if (column !== undefined) return columnFamily(spec, column, scores, step.kind === 'regressor');
  if (step.kind === 'regressor') return openRegressorFamily(step, spec);
  const { openClassifier } = await import('../../classifiers/open-classifier.ts');
  const { kind, model, label, prepare, newline, unit } = step;
  const score = await openClassifier({ kind, model: sharedModel(model), label, prepare, newline, unit });
  return { ...spec, measure: (document) => Float64Array.of(score(document.text)) };
}

async function openRegressorFamily(step: RegressorStep, spec: FamilySpec): Promise<BatchFamily> {
  const [{ openRegressorFiles }, { intScore }] = await Promise.all([
    import('../../classifiers/regressor/open-regressor.ts'),
    import('../../classifiers/regressor/int-score.ts'),
  ]);
  const { encoder, headFolder, device, batch } = step;
  invariant(
    encoder !== null && batch !== null,
    `classifier ${step.name} was settled when the job was planned`,
  );
  const regressor = await openRegressorFiles(encoder, headFolder ?? undefined, { device, batch });
  return {
    ...spec,
    async measureBatch(texts, onBatch) {
      const scores = await regressor.score(texts, { onBatch });
      const values = new Float64Array(2 * scores.length);
      for (const [i, score] of scores.entries()) values.set([score, intScore(score)], 2 * i);
      return values;
    },
  };
}
