/** A checked pipeline file made into what the stages need: names resolved, presets filled in, rules in order. Plain JSON, so it can be hashed and sent. */
import { UserError } from '../core/errors.ts';
import { checkMinHashConfig, type MinHashConfig, minHashPresets } from '../dedup/minhash-config.ts';
import { familySpecNamed, familySpecs } from '../filters/families.ts';
import { resolveRules, unknown } from '../filters/thresholds.ts';
import type { DedupConfig, FilterConfig } from './filter-config.ts';
import type { ClassifierStep, DedupStep, ResolvedFilter } from './resolved-filter.ts';
import { intScoreSignal, signalGroups } from './signal-groups.ts';

/** Families that cannot do without a setting. */
const needed = [
  ['c4-badwords', 'badWords', 'badWords: { list: words.txt }'],
  ['unigram', 'unigram', 'unigram: { counts: counts.csv }'],
  ['regex', 'regex', "regex: { patterns: ['lorem ipsum'] }"],
] as const;

/**
 * Checks names and turns thresholds into rules. `file` is named in errors; `notes` gets what the plan should say; `classifiers` are those
 * that have a model (`settleClassifiers`).
 */
export function resolveFilter(
  config: FilterConfig,
  file: string,
  notes: string[] = [],
  classifiers: ClassifierStep[] = [],
): ResolvedFilter {
  for (const [i, name] of config.signals.entries()) {
    if (familySpecNamed(name) === undefined) {
      throw unknown(
        file,
        'signal family',
        name,
        familySpecs.map((family) => family.name),
      );
    }
    if (config.signals.indexOf(name) !== i) {
      throw new UserError(`${file}: signals lists ${name} twice`, { hint: 'remove one of them' });
    }
  }
  const { benchmarks, ngram, numbers, action } = config.decontaminate;
  const filter: ResolvedFilter = {
    families: config.signals,
    math: config.math,
    maskReport: config.maskReport,
    language: config.language,
    urlLists: config.url.lists ?? null,
    badWords: config.badWords ?? null,
    unigramCounts: config.unigram?.counts ?? null,
    patterns: config.regex?.patterns ?? [],
    classifiers,
    decontaminate: benchmarks.length === 0 ? null : { ngram, numbers, action, benchmarks },
    rules: [],
    dedup: config.dedup.map((step) => resolveStep(step)),
    transform: config.transform,
    tokenizer: config.tokens.tokenizer ?? null,
    rowGroupBytes: config.output.rowGroupBytes,
    dropped: config.output.dropped,
    keepHtml: config.extract.keepHtml ?? null,
  };
  for (const [family, key, example] of needed) {
    if (config.signals.includes(family) && config[key] === undefined) {
      throw new UserError(`${file}: the signal family ${family} needs ${key}`, {
        hint: `for example ${example}`,
      });
    }
    if (!config.signals.includes(family) && config[key] !== undefined) {
      throw new UserError(`${file}: ${key} is set, but ${family} is not among the signals`, {
        hint: `add ${family} to signals, or remove ${key}`,
      });
    }
  }
  const names = config.classifiers.map((classifier) => classifier.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UserError(`${file}: two classifiers are called ${twice}`, { hint: 'give each its own name' });
  }
  const measured = signalGroups(filter).map(({ spec }) => spec);
  const { set, left } = withoutModels(config);
  notes.push(...left);
  filter.rules = resolveRules({ ...config.thresholds, set }, measured, file);
  if (filter.decontaminate?.action === 'drop') {
    filter.rules.push({ signal: 'contamination.exact', side: 'max', bound: 0, reason: 'contaminated' });
  }
  checkPriorities(filter, file);
  return filter;
}

/** Bounds on classifiers that have no model here are left out, and said so. */
function withoutModels(config: FilterConfig): { set: FilterConfig['thresholds']['set']; left: string[] } {
  const set = { ...config.thresholds.set };
  const left: string[] = [];
  for (const { name, model } of config.classifiers) {
    if (model !== null) continue;
    const signal = `classifier.${name}`;
    const bounded = [signal, intScoreSignal(name)].filter((one) => one in set);
    left.push(
      `classifier ${name} has no model, so ${signal} is not measured${bounded.length > 0 ? ' and its bound not applied' : ''}; give one with --model ${name}=<file>`,
    );
    for (const one of bounded) delete set[one];
  }
  return { set, left };
}

function resolveStep(step: DedupConfig): DedupStep {
  const { keep } = step;
  if (step.step !== 'minhash') return { name: step.step, keep };
  const base = minHashPresets[step.preset];
  const minhash: MinHashConfig = {
    bands: step.bands ?? base.bands,
    rows: step.rows ?? base.rows,
    ngram: step.ngram ?? base.ngram,
    seed: step.seed ?? base.seed,
    bits: step.bits ?? base.bits,
    hash: step.hash ?? base.hash,
  };
  checkMinHashConfig(minhash);
  return { name: 'minhash', keep, minhash };
}

function checkPriorities(filter: ResolvedFilter, file: string): void {
  const known = signalGroups(filter).flatMap(({ spec }) => spec.signals.map((signal) => signal.name));
  const seen = new Set<string>();
  for (const { name, keep } of filter.dedup) {
    if (seen.has(name))
      throw new UserError(`${file}: dedup lists ${name} twice`, { hint: 'remove one of them' });
    seen.add(name);
    if (typeof keep === 'object' && !known.includes(keep.signal)) {
      throw unknown(file, `signal in dedup (step ${name}): keep.signal`, keep.signal, known);
    }
  }
}
