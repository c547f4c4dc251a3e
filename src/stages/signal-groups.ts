/** Which signal families a filter measures, in column order: heuristics as listed, contamination, classifiers; those behind the gate last. */
import { contaminationSpec } from '../decontaminate/contamination-signals.ts';
import { familySpecNamed } from '../filters/families.ts';
import { languageSpecFor } from '../filters/language.ts';
import type { FamilySpec } from '../filters/signal.ts';
import type { ResolvedFilter } from './resolved-filter.ts';

type Measured = Pick<ResolvedFilter, 'families' | 'language' | 'classifiers' | 'decontaminate'>;

export function signalGroups(filter: Measured): { spec: FamilySpec; gated: boolean }[] {
  const heuristics = filter.families.map((name) =>
    name === 'language' ? languageSpecFor(filter.language.languages) : familySpecNamed(name)!,
  );
  const classifiers = filter.classifiers.map(({ name, gated }) => ({ spec: classifierSpec(name), gated }));
  return [
    ...heuristics.map((spec) => ({ spec, gated: false })),
    ...(filter.decontaminate === null ? [] : [{ spec: contaminationSpec, gated: false }]),
    ...classifiers.filter(({ gated }) => !gated),
    ...classifiers.filter(({ gated }) => gated),
  ];
}

/** The one signal of a classifier: `classifier.<name>`, a probability. */
export function classifierSpec(name: string): FamilySpec {
  return {
    name: `classifier ${name}`,
    source: 'the model that the pipeline names',
    signals: [
      {
        name: `classifier.${name}`,
        description: `probability that the classifier ${name} gives its label`,
        histogram: { from: 0, to: 1 },
      },
    ],
  };
}
