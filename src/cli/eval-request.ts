/** The flags of `midtrain eval` as the request of trainer/evaluation; what does not go together is refused here. */
import { basename, join, resolve } from 'node:path';
import type { EvaluationRequest } from '../../trainer/evaluation/plan-evaluation.ts';
import { benchmarkNames, suiteOf } from '../../trainer/problem-sets/load-problem-set.ts';
import { levelTest, type ProblemSpec } from '../../trainer/problem-sets/selection.ts';
import { benchmarkSuites } from '../core/card.ts';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';

type Options = Record<string, unknown>;

export function requestOf(options: Options, cwd: string): EvaluationRequest {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const number = (name: string): number => options[name] as number;
  const named = (options.problems as string[] | undefined) ?? [];
  if (named.length === 0) {
    throw new UserError('no problems given', {
      hint: `add --problems with a file or a benchmark (${benchmarkNames().join(', ')})`,
    });
  }
  if (number('samples') > 1 && number('temperature') === 0) {
    throw new UserError(
      `--samples ${number('samples')} with --temperature 0: greedy answers are all the same`,
      {
        hint: 'add --temperature 1 (the paper samples at 1.0), or leave --samples out',
      },
    );
  }
  return {
    sets: named.flatMap(setsOf).map((set) => selected(set, options)),
    template: text('template')!.replaceAll('\\n', '\n'),
    system: text('system'),
    fewShot: fewShotOf(text('fewShot')!),
    targetDelimiter: text('targetDelimiter'),
    exemplars: text('exemplars'),
    extract: text('extract') as EvaluationRequest['extract'],
    mode: text('mode') as EvaluationRequest['mode'],
    choiceScore: text('choiceScore') as EvaluationRequest['choiceScore'],
    promptPrefix: text('promptPrefix') as EvaluationRequest['promptPrefix'],
    stopStrings: (options.stop as string[] | undefined)?.map((stop) => stop.replaceAll('\\n', '\n')),
    sampling: {
      temperature: number('temperature'),
      top_k: number('topK'),
      top_p: number('topP'),
      min_p: number('minP'),
    },
    samples: number('samples'),
    maxTokens: number('maxTokens'),
    seed: number('seed'),
    cwd,
  };
}

function setsOf(name: string): string[] {
  if (!name.startsWith('suite:')) return [name];
  const suite = name.slice('suite:'.length);
  const found = suiteOf(suite);
  if (found.length > 0) return found;
  const near = nearest(suite, benchmarkSuites);
  throw new UserError(
    `no suite of benchmarks "${suite}"${near === undefined ? '' : `; did you mean suite:${near}?`}`,
    {
      hint: `the suites are ${benchmarkSuites.map((known) => `suite:${known}`).join(', ')}`,
    },
  );
}

function selected(set: string, options: Options): ProblemSpec {
  const levels = options.levels as string | undefined;
  if (levels !== undefined) levelTest(levels);
  const subjects = (options.subjects as string | undefined)?.split(',').map((name) => name.trim());
  return {
    set,
    ...(levels === undefined ? {} : { levels }),
    ...(subjects === undefined ? {} : { subjects: subjects.filter((name) => name !== '') }),
    ...(options.count === undefined ? {} : { count: options.count as number }),
  };
}

function fewShotOf(value: string): number | 'usual' {
  if (value === 'usual') return value;
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new UserError(`--few-shot ${value}: expected a number of examples, or usual`, {
    hint: 'for example --few-shot 4',
  });
}

/** `1,4,16`; none may be more than there are samples. */
export function ksOf(value: string, samples: number): number[] {
  const ks = value.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  const wrong = ks.find((k) => !(k >= 1 && k <= samples));
  if (wrong !== undefined) {
    throw new UserError(`--k ${value}: every k lies between 1 and the number of samples, ${samples}`, {
      hint:
        samples === 1
          ? 'add --samples, for example --samples 16 --temperature 1'
          : `for example --k 1,${samples}`,
    });
  }
  return [...new Set(ks)].sort((a, b) => a - b);
}

/** One folder for one model; with several, a folder of its own for each inside it. */
export function outFolders(
  models: readonly string[],
  out: string | undefined,
  cwd: string,
): (string | undefined)[] {
  if (out === undefined) return models.map(() => undefined);
  const root = resolve(cwd, out);
  if (models.length === 1) return [root];
  const names: string[] = [];
  for (const model of models) {
    const parts = model.split(/[\\/]+/).filter((part) => part !== '' && part !== 'checkpoints');
    const plain = /^step-\d+$/.test(basename(model)) ? parts.slice(-2).join('-') : parts.at(-1)!;
    let name = plain;
    for (let n = 2; names.includes(name); n++) name = `${plain}-${n}`;
    names.push(name);
  }
  return names.map((name) => join(root, name));
}
