/**
 * Evaluations on the device: parts that a kill does not cost, bytes that no batch size changes, folders that are not gone on with, choices
 * scored as the logits say, and the comparison of two folders.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { type ProgressEvent, silent } from '../../src/core/events.ts';
import { readRun } from '../../src/io/run-record.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import { compareFolders } from '../../trainer/evaluation/compare-folders.ts';
import { sampleSeed } from '../../trainer/evaluation/draw-samples.ts';
import { type EvaluationResult, evaluateProblems } from '../../trainer/evaluation/evaluate-problems.ts';
import { readParts } from '../../trainer/evaluation/graded-problem.ts';
import type { EvaluationRequest } from '../../trainer/evaluation/plan-evaluation.ts';
import { planEvaluation } from '../../trainer/evaluation/plan-evaluation.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { loadModel } from '../../trainer/model/folder.ts';
import type { ModelWeights } from '../../trainer/model/weights.ts';
import { sums, writeEvalModel, writeRecords } from './eval-model.ts';

const root = mkdtempSync(path.join(tmpdir(), 'evaluation-'));
const model = path.join(root, 'model');
const problems = path.join(root, 'sums.jsonl');
const choices = path.join(root, 'choices.jsonl');
let gpu: Gpu;
let tokenizer: Tokenizer;

beforeAll(async () => {
  gpu = await openDevice();
  tokenizer = await writeEvalModel(gpu, model);
  writeRecords(problems, sums(6));
  writeRecords(
    choices,
    Array.from({ length: 6 }, (_, i) => ({
      question: `Sum ${i}`,
      choices: ['four', 'two and two', 'The sum is twelve', `${i}`],
      answer: i % 4,
    })),
  );
});
afterAll(async () => {
  await gpu.close();
  rmSync(root, { recursive: true, force: true });
});

/** 64 samples a problem make parts of 4 problems. */
function request(change: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return {
    sets: [problems],
    template: 'simple',
    fewShot: 0,
    extract: 'auto',
    mode: 'generate',
    choiceScore: 'letter',
    promptPrefix: 'auto',
    sampling: { temperature: 1, top_k: 0, top_p: 1, min_p: 0 },
    samples: 64,
    maxTokens: 4,
    seed: 3,
    cwd: root,
    ...change,
  };
}

interface Run {
  change?: Partial<EvaluationRequest>;
  batch?: number;
  signal?: AbortSignal;
  emit?: (event: ProgressEvent) => void;
}

function evaluate(
  out: string | undefined,
  { change, batch = 64, signal, emit = silent }: Run = {},
): Promise<EvaluationResult> {
  const folder = out === undefined ? undefined : path.join(root, out);
  return evaluateProblems(
    gpu,
    model,
    request(change),
    { out: folder, batch, resamples: 200 },
    emit,
    signal ?? new AbortController().signal,
  );
}

/** Name and bytes of all that an evaluation says, but for the times in run.json. */
function filesOf(out: string): Record<string, string> {
  const folder = path.join(root, out);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(path.join(folder, name)).isFile() && name !== 'run.json',
  );
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(path.join(folder, name)).toString('base64')]),
  );
}

describe('an evaluation in a folder', () => {
  let whole: EvaluationResult;
  beforeAll(async () => {
    whole = await evaluate('whole');
  });

  it('keeps every text and verdict, in parts, with a record and metrics', async () => {
    expect(Object.keys(filesOf('whole'))).toEqual([
      'evaluation.json',
      'metrics.jsonl',
      'sums.json',
      ...[0, 1].map((part) => path.join('sums', `part-0000${part}.parquet`)),
    ]);
    const graded = await readParts(path.join(root, 'whole', 'sums'));
    expect(graded).toEqual(whole.graded.sums);
    expect(graded.map(({ id }) => id)).toEqual(Array.from({ length: 6 }, (_, i) => `p${i}`));
    for (const problem of graded) {
      expect(problem.completions).toHaveLength(64);
      expect(problem.prompt).toBe(`Question:${problem.question}\nAnswer:`);
      expect(problem.seeds[5]).toBe(sampleSeed(3, 'sums', problem.id, 5));
      expect(new Set(problem.seeds).size).toBe(64);
    }
    const { record, metrics } = readRun(path.join(root, 'whole'));
    expect(record).toMatchObject({
      command: 'eval',
      status: 'done',
      summary: { benchmarks: { sums: { problems: 6, samples: 64 } } },
    });
    expect(metrics).toMatchObject([
      { step: 0, benchmark: 'sums', eval_accuracy: whole.benchmarks[0]!.accuracy.value },
    ]);
    expect(whole.benchmarks[0]!.byLevel.map(({ name, problems: n }) => [name, n])).toEqual([
      ['0', 3],
      ['1', 3],
    ]);
  });

  it('has the same bytes with other batches', async () => {
    await evaluate('batch-17', { batch: 17 });
    expect(filesOf('batch-17')).toEqual(filesOf('whole'));
  });

  it('goes on after a stop with the same bytes, and draws no finished part again', async () => {
    const stop = new AbortController();
    const first = path.join(root, 'stopped', 'sums', 'part-00000.parquet');
    const emit = (event: ProgressEvent): void => {
      if (event.kind === 'progress' && event.done >= 5) stop.abort();
    };
    await expect(evaluate('stopped', { signal: stop.signal, emit, batch: 32 })).rejects.toThrow(
      InterruptedError,
    );
    expect(readRun(path.join(root, 'stopped')).record.status).toBe('interrupted');
    const before = statSync(first).mtimeMs;
    const said: string[] = [];
    await evaluate('stopped', { emit: (event) => event.kind === 'message' && said.push(event.text) });
    expect(said).toEqual(['sums: 4 of 6 problems were there from before']);
    expect(statSync(first).mtimeMs).toBe(before);
    expect(filesOf('stopped')).toEqual(filesOf('whole'));
  });

  it('makes a damaged part again', async () => {
    const part = path.join(root, 'stopped', 'sums', 'part-00001.parquet');
    truncateSync(part, statSync(part).size - 9);
    await evaluate('stopped');
    expect(filesOf('stopped')).toEqual(filesOf('whole'));
  });

  it('refuses other settings, setting by setting, and leaves the folder as it is', async () => {
    const before = filesOf('whole');
    await expect(evaluate('whole', { change: { seed: 4, maxTokens: 5 } })).rejects.toThrow(
      /whole was begun with other settings:\n {2}- max_tokens: 4 -> 5\n {2}- seed: 3 -> 4$/,
    );
    await expect(evaluate('whole', { change: { sets: [{ set: problems, count: 3 }] } })).rejects.toThrow(
      'benchmarks.sums.problems: other problems',
    );
    expect(filesOf('whole')).toEqual(before);
    mkdirSync(path.join(root, 'mine'));
    writeFileSync(path.join(root, 'mine', 'notes.txt'), 'x');
    await expect(evaluate('mine')).rejects.toThrow('mine is not empty and was not written by midtrain eval');
  });

  it('takes another benchmark into the same folder, and gives the macro average', async () => {
    const change = { sets: [problems, { set: problems, count: 2 }] };
    const both = await evaluate('whole', { change });
    expect(both.benchmarks.map(({ name, problems: n }) => [name, n])).toEqual([
      ['sums', 6],
      ['sums-2', 2],
    ]);
    const [a, b] = both.benchmarks.map(({ accuracy }) => accuracy.value);
    expect(both.macroAverage).toBeCloseTo((a! + b!) / 2, 12);
    const [low, high] = both.macroAverageInterval!;
    expect(low).toBeLessThanOrEqual(both.macroAverage!);
    expect(high).toBeGreaterThan(both.macroAverage!);
  });

  it('is compared with itself without a difference, and with another seed problem by problem', async () => {
    const same = await compareFolders(path.join(root, 'batch-17'), path.join(root, 'stopped'), 0);
    expect(same.benchmarks.sums).toMatchObject({
      problems: 6,
      gained: [],
      lost: [],
      difference: { value: 0, low: 0, high: 0 },
    });
    expect(same.settings).toEqual([]);
    // What else than the model is not the same is said.
    await evaluate('other', { change: { seed: 4, samples: 2, sets: [{ set: problems, count: 3 }] } });
    const other = await compareFolders(path.join(root, 'batch-17'), path.join(root, 'other'), 0);
    expect(other.settings).toEqual([
      'samples: 64 and 2',
      'seed: 3 and 4',
      'benchmarks.sums.problems: other problems',
    ]);
    await expect(compareFolders(path.join(root, 'mine'), path.join(root, 'whole'), 0)).rejects.toThrow(
      'mine is not a folder that midtrain eval --out wrote',
    );
  });
});

it('greedy is one sample without a seed in it, and the same twice', async () => {
  const greedy = { sampling: { temperature: 0, top_k: 0, top_p: 1, min_p: 0 }, samples: 1 };
  const [a, b] = [
    await evaluate(undefined, { change: greedy }),
    await evaluate(undefined, { change: { ...greedy, seed: 9 } }),
  ];
  expect(a.graded.sums!.map(({ completions }) => completions)).toEqual(
    b.graded.sums!.map(({ completions }) => completions),
  );
  expect(a.benchmarks[0]!.passAt).toEqual({});
});

describe('choices', () => {
  const scoring: Partial<EvaluationRequest> = {
    sets: [choices],
    mode: 'choices',
    promptPrefix: 'none',
    samples: 1,
    sampling: { temperature: 0, top_k: 0, top_p: 1, min_p: 0 },
  };

  /** Log-probability of the tokens of `text` after those of `prompt`, from the logits of the whole sequence. */
  async function logProbability(weights: ModelWeights, prompt: string, text: string): Promise<number> {
    const [head, tail] = [prompt, text].map((part) => [...tokenizer.encode(part, { special: false })]) as [
      number[],
      number[],
    ];
    const logits = await computeLogits(gpu, weights, [...head, ...tail]);
    const { vocabSize } = weights.config;
    return tail.reduce((sum, token, i) => {
      const row = logits.subarray((head.length + i - 1) * vocabSize, (head.length + i) * vocabSize);
      const most = Math.max(...row);
      const total = row.reduce((all, x) => all + Math.exp(x - most), 0);
      return sum + row[token]! - most - Math.log(total);
    }, 0);
  }

  it('of one token are read in one pass', () => {
    for (const letter of ['A', 'B', 'C', 'D'])
      expect(tokenizer.encode(` ${letter}`, { special: false })).toHaveLength(1);
    expect(tokenizer.encode(' The sum is twelve', { special: false }).length).toBeGreaterThan(4);
  });

  it.each(['letter', 'text'] as const)('by %s are scored as the logits say', async (choiceScore) => {
    const { graded } = await evaluate(undefined, { change: { ...scoring, choiceScore } });
    const weights = await loadModel(gpu, model);
    for (const {
      prompt,
      question,
      choice_logprobs: scores,
      answers,
      expected,
      correct,
    } of graded.choices!.slice(0, 3)) {
      const texts = [...question.matchAll(/^\(([A-D])\) (.*)$/gm)].map(
        ([, letter, text]) => ` ${choiceScore === 'letter' ? letter : text}`,
      );
      expect(texts).toHaveLength(4);
      for (const [i, text] of texts.entries()) {
        const sum = await logProbability(weights, prompt, text);
        expect(scores[i]).toBeCloseTo(choiceScore === 'letter' ? sum : sum / Buffer.byteLength(text), 4);
      }
      expect(answers[0]).toBe('ABCD'[scores.indexOf(Math.max(...scores))]);
      expect(correct[0]).toBe(answers[0] === expected);
    }
    weights.destroy();
  });

  it('need choices, and draw nothing', async () => {
    await expect(planEvaluation(model, request({ ...scoring, sets: [problems] }))).rejects.toThrow(
      'problem p0 has no choices to score',
    );
    await expect(planEvaluation(model, request({ ...scoring, samples: 4 }))).rejects.toThrow(
      'scoring choices draws nothing',
    );
  });
});

describe('a plan', () => {
  it('says what goes to the model: template, examples, longest prompt, parts', async () => {
    const { sets } = await planEvaluation(model, request({ fewShot: 1, exemplars: 'math', maxTokens: 4 }));
    expect(sets).toHaveLength(1);
    expect(sets[0]).toMatchObject({
      name: 'sums',
      extract: 'auto',
      perPart: 4,
      template: { name: 'simple', shots: { n: 1, name: 'math' } },
    });
    expect(sets[0]!.longestPrompt).toBeGreaterThan(50);
    const spaced = await planEvaluation(
      model,
      request({ fewShot: 1, exemplars: 'math', maxTokens: 4, targetDelimiter: ' ' }),
    );
    const solution = sets[0]!.template.shots!.pool[0]!.solution;
    expect(spaced.sets[0]!.template.shots!.pool[0]!.solution).toBe(` ${solution}`);
  });

  it('refuses prompts that do not fit, and a folder that is no model', async () => {
    await expect(planEvaluation(model, request({ fewShot: 8 }))).rejects.toThrow(
      "more than the model's context of 256",
    );
    await expect(planEvaluation(root, request())).rejects.toThrow(
      'is not a model folder: it has no config.json',
    );
    mkdirSync(path.join(root, 'run', 'checkpoints', 'step-0000012'), { recursive: true });
    await expect(planEvaluation(path.join(root, 'run'), request())).rejects.toMatchObject({
      hint: expect.stringContaining('step-0000012'),
    });
  });
});
