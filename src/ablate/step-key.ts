/**
 * The id of a step from its content, and what stands in settings for things that lie elsewhere: another step's output (`{ read }`) and the user's own
 * files (`{ file, content }`). Ids are hashes of kind, version of the kind, settings and seed; a path never enters one.
 */
import { generatorVersions } from '../../mixtures/generated.ts';
import { fingerprint } from '../core/config.ts';
import type { GridStep, OwnFile, StepKind, StepOutput } from './grid.ts';
import { isPlain, type Plain } from './overlay.ts';

/** Raised when a kind of step gives other results for the same settings: its ids then change, and with them those of all that read it. */
const versions: Record<StepKind, number> = {
  problems: 1,
  corpus: 1,
  filter: 1,
  tokenizer: 1,
  mix: 1,
  'train-stable': 1,
  'train-decay': 1,
  chains: 1,
  grpo: 1,
  eval: 1,
};

export function stepId(kind: StepKind, settings: Plain, seed: number | undefined): string {
  const references = mapReferences(settings, (reference) =>
    'file' in reference ? { content: reference.content } : reference,
  );
  const content = withGeneratorVersions(references);
  return `${kind}-${fingerprint({ kind, version: versions[kind], settings: content, seed: seed ?? null })}`;
}

/** A generator's spec says what it gives only together with the generator's version; the first is left out. */
function withGeneratorVersions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withGeneratorVersions);
  if (!isPlain(value)) return value;
  const version = (generatorVersions as Readonly<Record<string, number>>)[String(value.generator)] ?? 1;
  const inner = Object.entries(value).map(([key, own]) => [key, withGeneratorVersions(own)] as const);
  return Object.fromEntries(version === 1 ? inner : [...inner, ['generatorVersion', version]]);
}

/** Ids of the steps that settings read, each once, in order. */
function readsOf(settings: Plain): string[] {
  const ids = new Set<string>();
  mapReferences(settings, (reference) => {
    if ('read' in reference) ids.add(reference.read);
    return reference;
  });
  return [...ids];
}

/** Settings with every reference replaced. */
export function mapReferences(settings: Plain, replace: (reference: StepOutput | OwnFile) => unknown): Plain {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isPlain(value)) return value;
    if (isStepOutput(value) || isOwnFile(value)) return replace(value);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(settings) as Plain;
}

function isStepOutput(value: Plain): value is Plain & StepOutput {
  return (
    typeof value.read === 'string' && Object.keys(value).every((key) => key === 'read' || key === 'step')
  );
}

function isOwnFile(value: Plain): value is Plain & OwnFile {
  return (
    typeof value.file === 'string' && typeof value.content === 'string' && Object.keys(value).length === 2
  );
}

/** A step without who uses it. */
export function makeStep(
  kind: StepKind,
  settings: Plain,
  more: { seed?: number; work: GridStep['work']; shape: unknown },
): GridStep {
  const { seed, work } = more;
  return {
    id: stepId(kind, settings, seed),
    kind,
    settings,
    ...(seed === undefined ? {} : { seed }),
    reads: readsOf(settings),
    work,
    shape: fingerprint([kind, more.shape]),
    usedBy: [],
  };
}
