/** Which signal families a filter measures, in column order: heuristics as listed, contamination, classifiers; those behind the gate last. */
import { contaminationSpec } from '../decontaminate/contamination-signals.ts';
import { familySpecNamed } from '../filters/families.ts';
import { languageSpecFor } from '../filters/language.ts';
import type { FamilySpec } from '../filters/signal.ts';
import type { ClassifierStep, ResolvedFilter } from './resolved-filter.ts';

type Measured = Pick<ResolvedFilter, 'families' | 'language' | 'classifiers' | 'decontaminate'>;

export function signalGroups(filter: Measured): { spec: FamilySpec; gated: boolean }[] {
  const heuristics = filter.families.map((name) =>
    name === 'language' ? languageSpecFor(filter.language.languages) : familySpecNamed(name)!,
  );
  const classifiers = filter.classifiers.map((step) => ({ spec: classifierSpec(step), gated: step.gated }));
  return [
    ...heuristics.map((spec) => ({ spec, gated: false })),
    ...(filter.decontaminate === null ? [] : [{ spec: contaminationSpec, gated: false }]),
    ...classifiers.filter(({ gated }) => !gated),
    ...classifiers.filter(({ gated }) => gated),
  ];
}

/**
 * `classifier.<name>`: a probability, or the raw output of a regressor, which also has `classifier.<name>.int_score`. Job folders of before
 * there were regressors say no kind.
 */
export function classifierSpec({ name, kind }: { name: string; kind?: ClassifierStep['kind'] }): FamilySpec {
  const base = { name: `classifier ${name}`, source: 'the model that the pipeline names' };
  if (kind !== 'regressor') {
    const description = `probability that the classifier ${name} gives its label`;
    return {
      ...base,
      signals: [{ name: `classifier.${name}`, description, histogram: { from: 0, to: 1 } }],
    };
  }
  const histogram = { from: 0, to: 5 };
  return {
    ...base,
    signals: [
      { name: `classifier.${name}`, description: `raw output of the regressor ${name}`, histogram },
      {
        name: intScoreSignal(name),
        description: `output of the regressor ${name}, clipped to 0..5 and rounded half to even`,
        histogram,
      },
    ],
  };
}

/** The rounded score's column. */
export function intScoreSignal(name: string): string {
  return `classifier.${name}.int_score`;
}
