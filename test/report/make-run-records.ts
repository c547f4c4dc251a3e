/**
 * Synthetic run records of the whole way, for tests of the report and for looking at it: filter -> mix -> train stable -> train
 * decay -> grpo, with healthy RL runs and one that collapses (length grows to the cap, accuracy falls, responses repeat). Shapes
 * and metric names are those the commands write; the numbers are made up and seeded.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { Random } from '../../src/core/random.ts';
import type { MetricRow, RunRecord } from '../../src/core/record.ts';
import type { ReportRun, RolloutRow } from '../../src/report/report-run.ts';

type Parts = Pick<RunRecord, 'command' | 'name' | 'config' | 'summary'> & Partial<RunRecord>;

export function record(parts: Parts): RunRecord {
  return {
    version: 1,
    status: 'done',
    startedAt: '2026-11-22T10:00:00.000Z',
    endedAt: '2026-11-22T10:04:12.000Z',
    seconds: 252.4,
    fingerprint: fingerprint(parts.config),
    evidence: [],
    inputs: [],
    parents: [],
    versions: { midtrain: '0.1.0', node: '24.21.0', webgpu: '0.6.2' },
    warnings: [],
    ...parts,
  };
}

export function filterRun(id = '/runs/filter', seed = 1): ReportRun {
  const random = new Random(seed);
  const dropped = {
    duplicate_exact: 431,
    gopher_short_doc: 612,
    gopher_too_many_symbols: 58,
    fineweb_char_dup_ratio: 187,
    fineweb_line_punct_ratio: 240,
    low_math: 1380,
    gopher_enough_stop_words: 96,
    gopher_max_non_alpha_words: 74,
    fineweb_new_line_ratio: 21,
  };
  const kept = 2163;
  const failed = { unreadable: 3, extraction_failed: 7 };
  const total = kept + Object.values(dropped).reduce((a, b) => a + b, 0) + 10;
  const excerpt = (words: string): string => `${words} `.repeat(9).trim();
  const examples = Object.fromEntries(
    Object.keys(dropped).map((reason, i) => [
      reason,
      [1, 2, 3].map((n) => ({
        id: `pages.parquet#${i * 100 + n}`,
        url: `https://example.org/${reason}/${n}.html`,
        excerpt: excerpt(`Page ${n} about ${reason}: the integral of $x^2$ and a menu of links`),
        signal: 'math.density',
        value: 0.004 * n,
        bound: 0.02,
      })),
    ]),
  );
  const config = { pipeline: 'math-web', seed, thresholds: { 'math.density': { min: 0.02 } } };
  return {
    id,
    record: record({
      command: 'filter',
      name: 'math web pages',
      config,
      inputs: [
        { path: 'data/html-math', bytes: 41_234_567, fingerprint: 'a1b2c3d4e5f60718' },
        { path: 'data/web-text/part-0.parquet', bytes: 12_345_678, fingerprint: 'ffeeddccbbaa9988' },
      ],
      summary: {
        commandLine: ['midtrain', 'filter', 'pipelines/math web.yaml', '--workers', '2'],
        ledger: { in: total, kept, dropped, failed },
        reasons: { ...dropped, ...failed },
        rules: [
          {
            signal: 'math.density',
            side: 'min',
            bound: 0.02,
            reason: 'low_math',
            failing: 1702,
            alone: 1105,
          },
          {
            signal: 'gopher.words',
            side: 'min',
            bound: 50,
            reason: 'gopher_short_doc',
            failing: 640,
            alone: 512,
          },
        ],
        bytesIn: 53_580_245,
        bytesOut: 18_911_002,
        documentsPerSecond: 412.3,
        bySource: {
          'html-math': {
            in: 3000,
            kept: 1800,
            dropped: { low_math: 700, gopher_short_doc: 500 },
            failed: {},
          },
          'web-text': { in: total - 3000, kept: kept - 1800, dropped: { duplicate_exact: 431 }, failed: {} },
        },
        signals: {
          'math.density': {
            description: 'share of characters inside math spans',
            ...histogram(
              random,
              (r) => Math.abs(r.normal()) * 0.04,
              0,
              0.2,
              40,
              (v) => v >= 0.02,
            ),
            threshold: { min: 0.02 },
          },
          'gopher.words': {
            description: 'number of words',
            ...histogram(
              random,
              (r) => Math.exp(5 + r.normal()),
              1,
              100_000,
              40,
              (v) => v >= 50,
              true,
            ),
            threshold: { min: 50, max: 100000 },
          },
          'fineweb.char_dup_ratio': {
            ...histogram(
              random,
              (r) => Math.abs(r.normal()) * 0.008,
              0,
              0.05,
              40,
              (v) => v < 0.01,
            ),
            threshold: { max: 0.01 },
          },
          'gopher.mean_word_length': {
            ...histogram(
              random,
              (r) => 4.9 + r.normal(),
              0,
              12,
              40,
              (v) => v > 3 && v < 10,
            ),
          },
        },
        examples: {
          ...examples,
          kept: [
            {
              id: 'pages.parquet#7',
              url: 'https://example.org/good.html',
              excerpt: 'Let $f$ be continuous on $[a,b]$. Then ...',
            },
          ],
        },
        failures: [
          { file: 'data/html-math/broken.html', place: 'byte 18221', problem: 'no text could be extracted' },
          { file: 'data/web-text/part-3.parquet', place: 'row group 4', problem: 'page checksum differs' },
          { file: 'data/web-text/part-9.parquet', problem: 'not a Parquet file: it has no footer' },
        ],
      },
    }),
    metrics: [],
  };
}

function histogram(
  random: Random,
  draw: (r: Random) => number,
  from: number,
  to: number,
  bins: number,
  keep: (v: number) => boolean,
  logarithmic = false,
): { histogram: { edges: number[]; counts: number[]; keptCounts: number[] } } {
  const edges = Array.from({ length: bins + 1 }, (_, i) =>
    logarithmic ? from * (to / from) ** (i / bins) : from + ((to - from) * i) / bins,
  );
  const counts = new Array<number>(bins).fill(0);
  const keptCounts = new Array<number>(bins).fill(0);
  for (let i = 0; i < 4000; i++) {
    const v = draw(random);
    let bin = edges.findIndex((e) => e > v) - 1;
    if (bin < 0) bin = v < from ? 0 : bins - 1;
    counts[bin]!++;
    if (keep(v) && random.float() < 0.8) keptCounts[bin]!++;
  }
  return { histogram: { edges, counts, keptCounts } };
}

export function mixRun(
  id = '/runs/mix',
  parents: string[] = ['/runs/filter/kept'],
  name = 'decay long 30 %',
): ReportRun {
  const sequences = 2000;
  const total = sequences * 1024;
  const sources = [
    {
      name: 'web-math',
      role: 'web',
      card: 'local-web',
      weight: 0.55,
      evidence: 'summary',
      documents: 2163,
      repeats: 1.31,
    },
    {
      name: 'gsm8k-train',
      role: 'qa',
      card: 'gsm8k',
      weight: 0.15,
      evidence: 'own',
      documents: 7473,
      repeats: 0.42,
    },
    {
      name: 'marco-o1',
      role: 'long-cot',
      card: 'marco-o1-cot',
      weight: 0.15,
      evidence: 'recalled',
      documents: 1004,
      repeats: 2.6,
    },
    {
      name: 'instruction-1100',
      role: 'instruction',
      card: 'instruction-data',
      weight: 0.1,
      evidence: 'confirmed',
      documents: 1100,
      repeats: 0.9,
    },
    {
      name: 'dclm-like',
      role: 'general',
      card: 'local-web',
      weight: 0.05,
      evidence: 'unknown',
      documents: 800,
      repeats: 0.12,
    },
  ];
  const summarised = sources.map((s, i) => {
    const requestedTokens = Math.round(total * s.weight);
    const achievedTokens = requestedTokens + [310, -512, 120, 400, -318][i]!;
    return {
      ...s,
      requestedTokens,
      achievedTokens,
      requestedShare: s.weight,
      achievedShare: achievedTokens / total,
    };
  });
  return {
    id,
    record: record({
      command: 'mix',
      name,
      config: { recipe: 'mixture.yaml', qaRatio: 0.3, seed: 7 },
      parents,
      evidence: [
        { name: 'decay web weight', value: 0.55, evidence: 'summary', note: 'the paper gives the remainder' },
      ],
      summary: {
        commandLine: 'midtrain mix mixture.yaml --qa-ratio 0.3 --out runs/mix',
        sources: summarised,
        totalTokens: total,
        sequenceLength: 1024,
        sequences,
        seed: 7,
        qaShare: 0.3002,
        warnings: ['marco-o1 is read 2.60 times'],
      },
    }),
    metrics: [],
  };
}

export function trainRun(
  phase: 'stable' | 'decay',
  options: {
    id?: string;
    parents?: string[];
    name?: string;
    seed?: number;
    restart?: boolean;
    steps?: number;
    floor?: number;
  } = {},
): ReportRun {
  const { id = `/runs/${phase}`, seed = 3, restart = false, floor = 1.6 } = options;
  const steps = options.steps ?? (phase === 'stable' ? 1200 : 400);
  const start = phase === 'stable' ? 0 : 1200;
  const random = new Random(`${phase} ${seed}`);
  const metrics: MetricRow[] = [];
  const lossAt = (s: number): number =>
    floor +
    5.2 * Math.exp(-s / 120) +
    1.4 * Math.exp(-s / 700) -
    (s > 1200 ? 0.12 * (1 - Math.exp(-(s - 1200) / 90)) : 0);
  for (let i = 1; i <= steps; i++) {
    const s = start + i;
    const step = restart ? i : s;
    const lr =
      phase === 'stable'
        ? 3e-3 * Math.min(1, s / 40)
        : 3e-4 + 2.7e-3 * 0.5 * (1 + Math.cos((Math.PI * i) / steps));
    metrics.push({
      step,
      phase,
      loss: lossAt(s) + 0.11 * random.normal(),
      learning_rate: lr,
      grad_norm: 0.8 + 4 * Math.exp(-s / 60) + 0.15 * Math.abs(random.normal()) + (s === 777 ? 6 : 0),
      tokens_per_sec: 10_400 + 300 * random.normal(),
      num_tokens: step * 4096,
    });
    if (i % 50 === 0) {
      const eval_loss = lossAt(s) + 0.08;
      metrics.push({
        step,
        phase,
        eval_loss,
        'eval_loss/web-math': eval_loss + 0.3,
        'eval_loss/gsm8k-train': eval_loss - 0.4,
        'eval_loss/marco-o1': eval_loss - 0.1,
      });
    }
  }
  return {
    id,
    record: record({
      command: 'train',
      name: options.name ?? `tiny ${phase}`,
      config: { phase, seed, learning_rate: 3e-3, batch: 4, sequence: 1024, steps },
      parents:
        options.parents ??
        (phase === 'stable' ? ['/runs/mix/shards'] : ['/runs/mix/shards', '/runs/stable/checkpoint-1200']),
      evidence: [{ name: 'learning_rate', value: 3e-3, evidence: 'own' }],
      device: { name: 'llvmpipe', vendor: 'mesa', software: true },
      summary: {
        phase,
        steps,
        tokens: steps * 4096,
        finalLoss: 1.7,
        finalEvalLoss: 1.78,
        parameters: 1_245_184,
        parent: null,
      },
    }),
    metrics,
  };
}

export interface GrpoShape {
  id?: string;
  name?: string;
  seed?: number;
  parents?: string[];
  collapse?: boolean;
  steps?: number;
}

export function grpoRun(options: GrpoShape = {}): ReportRun {
  const { id = '/runs/grpo', seed = 1, collapse = false, steps = 120 } = options;
  const random = new Random(`grpo ${seed} ${collapse}`);
  const metrics: MetricRow[] = [];
  const rollouts: RolloutRow[] = [];
  const cap = (s: number): number => (s < 50 ? 64 : s < 80 ? 96 : 128);
  for (let s = 0; s <= steps; s++) {
    const fall = collapse ? 1 / (1 + Math.exp(-(s - 78) / 4)) : 0;
    const skill = (0.22 + 0.03 * random.normal() * 0.3 + 0.42 * (1 - Math.exp(-s / 55))) * (1 - 0.95 * fall);
    const mean = collapse
      ? Math.min(cap(s) * 0.98, 34 + 95 * fall)
      : 30 + 12 * (1 - Math.exp(-s / 40)) + random.normal();
    if (s > 0) {
      metrics.push({
        step: s,
        reward: skill + 0.03 * random.normal(),
        reward_std: 0.35 * Math.sqrt(Math.max(0.01, skill * (1 - skill))) * 2,
        frac_reward_zero_std: Math.min(1, Math.max(0, 0.25 + 0.4 * fall + 0.04 * random.normal())),
        loss: 0.001 * random.normal(),
        'completions/mean_length': mean,
        'completions/max_length': Math.min(cap(s), mean * 1.6 + 4),
        'completions/max_allowed_length': cap(s),
        'completions/clipped_ratio': collapse
          ? Math.min(1, 0.03 + 0.95 * fall)
          : Math.max(0, 0.02 + 0.01 * random.normal()),
        entropy: 0.9 * Math.exp(-s / 140) + 0.2,
        kl: 0,
        'clip_ratio/region_mean': 0.002 + 0.004 * random.float(),
        learning_rate: 2e-4,
        grad_norm: 0.3 + 0.05 * Math.abs(random.normal()),
        'timing_s/gen': 1.1 + mean / 100,
        'timing_s/update_actor': 0.6,
        'sampling/sampling_logp_difference/max': 2e-5 + 1e-5 * random.float(),
      });
    }
    if (s % 6 === 0) {
      metrics.push({
        step: s,
        eval_accuracy: skill,
        eval_accuracy_low: Math.max(0, skill - 0.05),
        eval_accuracy_high: Math.min(1, skill + 0.05),
      });
    }
    if (s % 20 === 0) {
      for (let i = 0; i < 8; i++) {
        const a = 10 + random.int(80);
        const b = 10 + random.int(80);
        const right = random.float() < skill;
        const given = String(right ? a + b : a + b + 1 + random.int(9));
        const loop = collapse && s >= 80;
        rollouts.push({
          step: s,
          prompt: `Question: What is ${a} + ${b}?\nAnswer:`,
          completion: loop
            ? `\\boxed{${given}}${' Solution'.repeat(30)}`
            : ` ${a} + ${b}: tens and ones give ${given}. The answer is \\boxed{${given}}.`,
          reward: right ? 1 : 0,
          answer: given,
          expected: String(a + b),
          truncated: loop,
          length: loop ? cap(s) : Math.round(mean),
        });
      }
    }
  }
  const evals = metrics.filter((m) => m.eval_accuracy !== undefined);
  const first = evals[0]!.eval_accuracy as number;
  const last = evals.at(-1)!.eval_accuracy as number;
  return {
    id,
    record: record({
      command: 'grpo',
      name: options.name ?? 'addition',
      config: {
        seed,
        template: collapse ? 'simple' : 'complex',
        learning_rate: 2e-4,
        schedule: { 0: 64, 50: 96, 80: 128 },
        group: 8,
      },
      parents: options.parents ?? ['/runs/decay/checkpoint-1600'],
      evidence: [{ name: 'template', value: 'complex', evidence: 'recalled' }],
      device: { name: 'llvmpipe', vendor: 'mesa', software: true },
      summary: {
        steps,
        startAccuracy: first,
        endAccuracy: last,
        interval: [last - first - 0.06, last - first + 0.06],
        finalReward: last,
      },
    }),
    metrics,
    rollouts,
  };
}

/** One run of every kind, each naming the one before as its parent. */
export function wholeWay(): ReportRun[] {
  return [filterRun(), mixRun(), trainRun('stable'), trainRun('decay'), grpoRun()];
}

/** The same front, then three seeds of healthy RL and one arm that collapses, from a second decay. */
export function severalArms(): ReportRun[] {
  return [
    filterRun(),
    mixRun(),
    trainRun('stable'),
    trainRun('decay', { name: 'decay hybrid' }),
    trainRun('decay', { id: '/runs/decay-long', name: 'decay long', seed: 9, floor: 1.55 }),
    grpoRun({ id: '/runs/grpo-1', name: 'hybrid', seed: 1 }),
    grpoRun({ id: '/runs/grpo-2', name: 'hybrid', seed: 2 }),
    grpoRun({ id: '/runs/grpo-3', name: 'hybrid', seed: 3 }),
    grpoRun({
      id: '/runs/grpo-long',
      name: 'long, simple template',
      seed: 1,
      collapse: true,
      parents: ['/runs/decay-long'],
    }),
  ];
}

/** Writes runs as folders below `root`, as the commands would; the ids' last part names the folder. */
export function writeRunFolders(root: string, runs: readonly ReportRun[]): string[] {
  return runs.map((run) => {
    const dir = join(root, run.id.split('/').at(-1)!);
    mkdirSync(dir, { recursive: true });
    const parents = run.record.parents.map((p) => p.replace(/^\/runs/, root));
    writeFileSync(join(dir, 'run.json'), `${JSON.stringify({ ...run.record, parents }, null, 2)}\n`);
    const lines = (rows: readonly unknown[]): string =>
      rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    if (run.metrics.length > 0) writeFileSync(join(dir, 'metrics.jsonl'), lines(run.metrics));
    if (run.rollouts !== undefined) writeFileSync(join(dir, 'rollouts.jsonl'), lines(run.rollouts));
    return dir;
  });
}
