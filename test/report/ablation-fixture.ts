/**
 * A made-up ablation for tests of its report and for looking at it: arms that differ in filter threshold and QA share, a seed for each, an arm whose RL runs
 * into a repetition loop, a cell that failed and an evaluation that is missing. Seeded, so the page is the same every time; shapes and metric names are those
 * that the commands write.
 */
import { Random } from '../../src/core/random.ts';
import type { MetricRow } from '../../src/core/record.ts';
import type {
  AblationCell,
  AblationInput,
  AblationMeasure,
  AblationStep,
} from '../../src/report/ablation-data.ts';
import type { ReportRun, RolloutRow } from '../../src/report/report-run.ts';
import { record } from './make-run-records.ts';

export interface FixtureArm {
  name: string;
  /** Lowest signal that a page needs. */
  bound: number;
  qa: number;
  /** Accuracy where RL levels off. */
  skill: number;
  collapse?: boolean;
}

export interface FixtureShape {
  arms?: FixtureArm[];
  seeds?: number;
  steps?: number;
  /** Cells that failed, as `arm seed`. */
  failed?: string[];
  signal?: boolean;
}

export const fourArms: FixtureArm[] = [
  { name: 'loose', bound: 0.1, qa: 0.2, skill: 0.34, collapse: true },
  { name: 'middle', bound: 0.3, qa: 0.2, skill: 0.55 },
  { name: 'strict', bound: 0.6, qa: 0.2, skill: 0.66 },
  { name: 'strict-no-qa', bound: 0.6, qa: 0, skill: 0.53 },
];

/** As many arms as a grid is likely to have: QA shares and thresholds across each other. */
export const eightArms: FixtureArm[] = [0, 0.1, 0.2, 0.3].flatMap((qa, i) =>
  [0.1, 0.6].map((bound, j) => ({
    name: `qa-${qa * 100}-${j === 0 ? 'loose' : 'strict'}`,
    bound,
    qa,
    skill: 0.3 + 0.08 * i + 0.12 * j,
    collapse: i === 0 && j === 0,
  })),
);

/** As many arms, one filter: the stable phase is one run a seed for all of them. */
export const qaArms: FixtureArm[] = [0, 0.1, 0.2, 0.3, 0.4].map((qa, i) => ({
  name: `qa-${qa * 100}`,
  bound: 0.6,
  qa,
  skill: [0.42, 0.5, 0.57, 0.6, 0.61][i]!,
}));

const measures: AblationMeasure[] = [
  measure(
    'rl_accuracy',
    'RL accuracy',
    'share',
    'Mean of the last three evaluations of the RL run on 512 held-out problems.',
    true,
  ),
  measure(
    'base_accuracy',
    'accuracy before RL',
    'share',
    'Evaluation at step 0 of the RL run: the same prompt and temperature.',
  ),
  measure('base_few_shot', 'few-shot accuracy before RL', 'share', 'Greedy, two examples, 256 problems.'),
  measure('rl_gain', 'gain over RL', 'share', 'RL accuracy less accuracy before RL.'),
  measure('steps_to_50', 'steps to 50 %', 'steps', 'First evaluation at or above 50 %.'),
  measure(
    'response_length',
    'response length at the end',
    'tokens',
    'Mean of the last ten steps, all responses.',
  ),
  measure('truncated', 'truncated responses at the end', 'share', 'Mean of the last ten steps.'),
  measure('repetition', 'repetition at the end', 'share', 'Mean of the last ten steps.'),
  measure('heldout_loss_qa', 'held-out loss: qa', 'nats', 'Last evaluation of the decay phase.'),
  measure('kept_tokens', 'tokens kept by the filter', 'tokens', 'Of the filter run.'),
];

function measure(
  name: string,
  label: string,
  unit: AblationMeasure['unit'],
  about: string,
  primary = false,
): AblationMeasure {
  return {
    name,
    label,
    unit,
    about,
    primary,
    likeOnly: name.startsWith('base'),
    ...(primary ? { smallest: 0.03 } : {}),
  };
}

export function ablationInput(shape: FixtureShape = {}): AblationInput {
  const { arms = fourArms, seeds = 3, steps = 60, failed = ['strict-no-qa 3'], signal = true } = shape;
  const names = Array.from({ length: seeds }, (_, i) => String(i + 1));
  const runs = new Map<string, ReportRun>();
  const cells: AblationCell[] = [];
  const make = (id: string, run: () => ReportRun): string => {
    if (!runs.has(id)) runs.set(id, run());
    return id;
  };
  for (const arm of arms)
    for (const seed of names) {
      const filter = make(`filter-${arm.bound}`, () => filterRun(arm.bound));
      const mixStable = make(`mix-stable-${arm.bound}-${seed}`, () =>
        mixRun(arm.bound, 0, seed, 'stable', filter),
      );
      const mixDecay = make(`mix-decay-${arm.bound}-${arm.qa}-${seed}`, () =>
        mixRun(arm.bound, arm.qa, seed, 'decay', filter),
      );
      const stable = make(`stable-${arm.bound}-${seed}`, () => trainRun('stable', arm, seed, [mixStable]));
      const decay = make(`decay-${arm.bound}-${arm.qa}-${seed}`, () =>
        trainRun('decay', arm, seed, [mixDecay, stable]),
      );
      const way = { filter, mixStable, mixDecay, stable, decay };
      const grpo = `grpo-${arm.name}-${seed}`;
      if (failed.includes(`${arm.name} ${seed}`)) {
        cells.push({
          arm: arm.name,
          seed,
          status: 'failed',
          reason: `${grpo} failed: the loss was not a finite number at step 17`,
          steps: { ...way, grpo },
          evals: {},
          values: {},
          absent: {},
          signatures: [],
        });
        continue;
      }
      make(grpo, () => grpoRun(arm, seed, steps, decay, grpo));
      cells.push(cellOf(arm, seed, { ...way, grpo }, runs));
    }
  return {
    name: 'strict-filter',
    title: 'How strict the filter is, and QA in the decay phase',
    question:
      'Does a stricter quality threshold prepare a model better for RL, and does it need question-answer data?',
    paper:
      'Section 3.2: MegaMath-Web-Pro prepared models for RL where FineMath-4plus led to repetition, at base scores that were alike.',
    size: 'cpu',
    seeds: names,
    arms: arms.map(({ name, bound, qa }) => ({
      name,
      describe: `Pages with a score of at least ${bound}, ${qa * 100} % QA in the decay phase`,
      differences: [
        ...(bound === 0.6
          ? []
          : [{ path: 'filter.pipeline.thresholds.math.score.min', base: 0.6, value: bound }]),
        ...(qa === 0.2 ? [] : [{ path: 'mix.decay.sources.qa.weight', base: 0.2, value: qa }]),
      ],
      state: 'decayed',
    })),
    measures,
    cells,
    steps: stepsOf(cells, runs),
    comparisons: arms.slice(1).map(({ name }) => ({ first: arms[0]!.name, second: name })),
    calibration: {
      arm: arms.at(-2)!.name,
      measure: 'rl_accuracy',
      pairs: names.map((seed, i) => ({
        seed,
        start: 0.22 + 0.01 * i,
        end: signal ? 0.6 + 0.02 * i : 0.2 + 0.02 * i,
      })),
      outcome: signal ? 'signal' : 'no signal',
      text: signal
        ? `RL climbs on this world: RL accuracy of ${arms.at(-2)!.name} is higher at the end than at the start: +38.0 points (95 % interval +36 to +40, paired t over ${seeds} seeds).`
        : 'No signal: RL accuracy did not climb for certain where it should.',
    },
    runs: [...runs.values()],
    rerun: [
      'midtrain ablate strict-filter.yaml --size cpu',
      'midtrain report runs/ablate/strict-filter --out report.html',
    ],
    versions: { midtrain: '0.1.0', node: '24.21.0', webgpu: '0.6.2' },
    device: 'llvmpipe (software), 2 cores',
    commit: '972fddf',
  };
}

function cellOf(
  arm: FixtureArm,
  seed: string,
  steps: AblationCell['steps'],
  runs: ReadonlyMap<string, ReportRun>,
): AblationCell {
  const rows = runs.get(steps.grpo!)!.metrics;
  const evals = rows.flatMap((row) =>
    typeof row.eval_accuracy === 'number' ? [{ step: row.step, value: row.eval_accuracy }] : [],
  );
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const end = (name: string): number => mean(rows.slice(-10).map((row) => Number(row[name] ?? 0)));
  const rl = mean(evals.slice(-3).map(({ value }) => value));
  const missing = arm.name === 'middle' && seed === '2';
  const random = new Random(`few-shot ${arm.name} ${seed}`);
  const loop = arm.collapse === true && rows.length > 30 && seed !== '2';
  return {
    arm: arm.name,
    seed,
    status: 'done',
    steps,
    evals: { 'few-shot base': `eval-${arm.bound}-${arm.qa}-${seed}` },
    values: {
      rl_accuracy: rl,
      base_accuracy: evals[0]!.value,
      base_few_shot: missing ? null : 0.27 + 0.02 * random.normal(),
      rl_gain: rl - evals[0]!.value,
      steps_to_50: evals.find(({ value }) => value >= 0.5)?.step ?? null,
      response_length: end('completions/mean_length'),
      truncated: end('completions/clipped_ratio'),
      repetition: end('completions/repetition_ratio'),
      heldout_loss_qa: 0.9 - arm.qa + 0.01 * random.normal(),
      kept_tokens: Math.round(900_000 * (1 - arm.bound) ** 1.4),
    },
    absent: {
      ...(missing ? { base_few_shot: 'the evaluation few-shot of base was not run' } : {}),
      ...(arm.skill < 0.5 ? { steps_to_50: 'the run did not reach 50 %' } : {}),
    },
    signatures: loop
      ? [
          {
            name: 'repetition_loop',
            step: 31 + Number(seed),
            text: 'More than 30 % of the responses of 4 steps repeat themselves.',
          },
          { name: 'accuracy_collapse', step: 40 + Number(seed), text: 'Accuracy is below half of its best.' },
        ]
      : [],
  };
}

function stepsOf(cells: readonly AblationCell[], runs: ReadonlyMap<string, ReportRun>): AblationStep[] {
  const steps = new Map<string, AblationStep>();
  for (const cell of cells)
    for (const [role, id] of Object.entries(cell.steps)) {
      const failed = cell.status === 'failed' && role === 'grpo';
      const known = steps.get(id) ?? {
        id,
        kind:
          { mixStable: 'mix', mixDecay: 'mix', stable: 'train-stable', decay: 'train-decay' }[
            role as string
          ] ?? role,
        status: failed ? ('failed' as const) : ('done' as const),
        usedBy: [],
        ...(failed
          ? { error: 'the loss was not a finite number at step 17' }
          : { seconds: role === 'grpo' ? 64.2 : 31.5 }),
        summary: runs.get(id)?.record.summary ?? {},
      };
      known.usedBy.push({ arm: cell.arm, seed: cell.seed });
      steps.set(id, known);
    }
  return [...steps.values()];
}

function filterRun(bound: number): ReportRun {
  const random = new Random('pages');
  const bins = 40;
  const edges = Array.from({ length: bins + 1 }, (_, i) => i / bins);
  const counts = new Array<number>(bins).fill(0);
  const keptCounts = new Array<number>(bins).fill(0);
  let low = 0;
  let short = 0;
  let kept = 0;
  const examples: { id: string; excerpt: string; signal: string; value: number; bound: number }[] = [];
  for (let n = 0; n < 3000; n++) {
    const value = Math.min(0.999, Math.max(0, 0.42 + 0.24 * random.normal()));
    const brief = random.float() < 0.08;
    const bin = Math.floor(value * bins);
    counts[bin]!++;
    if (brief) short++;
    else if (value < bound) {
      low++;
      if (examples.length < 5 && value > bound - 0.25)
        examples.push({
          id: `pages.jsonl#${n}`,
          excerpt: `Page ${n}. To find 12 + 30 we add the tens. ${'Home About Solution Solution '.repeat(4)}`,
          signal: 'math.score',
          value,
          bound,
        });
    } else {
      kept++;
      keptCounts[bin]!++;
    }
  }
  const rule = { side: 'min', unmasked: null };
  return {
    id: `filter-${bound}`,
    record: record({
      command: 'filter',
      name: `pages at ${bound}`,
      config: { name: 'pages', thresholds: { 'math.score': { min: bound } } },
      summary: {
        ledger: { in: 3000, kept, dropped: { low_score: low, gopher_short_doc: short }, failed: {} },
        rules: [
          { ...rule, signal: 'math.score', bound, reason: 'low_score', failing: low + 30, alone: low },
          {
            ...rule,
            signal: 'gopher.word_count',
            bound: 50,
            reason: 'gopher_short_doc',
            failing: short,
            alone: short - 20,
          },
        ],
        tokens: 900_000,
        keptTokens: Math.round(900_000 * (1 - bound) ** 1.4),
        signals: {
          'math.score': {
            description: 'score of the quality classifier',
            histogram: { edges, counts, keptCounts },
            threshold: { min: bound },
          },
        },
        examples: {
          low_score: examples,
          kept: [{ id: 'pages.jsonl#3', excerpt: 'Add the ones: 4 + 8 = 12. Carry.' }],
        },
      },
    }),
    metrics: [],
  };
}

function mixRun(bound: number, qa: number, seed: string, phase: string, filter: string): ReportRun {
  const total = phase === 'stable' ? 1_200_000 : 400_000;
  const shares: [name: string, role: string, share: number][] = [
    ['pages', 'web', 0.9 - qa],
    ['qa', 'qa', qa],
    ['instruction', 'instruction', 0.1],
  ];
  const pages = 900_000 * (1 - bound) ** 1.4;
  return {
    id: phase === 'stable' ? `mix-stable-${bound}-${seed}` : `mix-decay-${bound}-${qa}-${seed}`,
    record: record({
      command: 'mix',
      name: `${phase} ${qa}`,
      config: { recipe: phase, qa },
      parents: [filter],
      summary: {
        sources: shares
          .filter(([, , share]) => share > 0)
          .map(([name, role, share]) => ({
            name,
            role,
            weight: share,
            evidence: 'own',
            requestedTokens: Math.round(total * share),
            achievedTokens: Math.round(total * share) - 37,
            requestedShare: share,
            achievedShare: share,
            documents: 1200,
            repeats: name === 'pages' ? (total * share) / pages : 0.4,
          })),
        totalTokens: total,
        sequenceLength: 128,
        seed: Number(seed),
        qaShare: qa,
        warnings: [],
      },
    }),
    metrics: [],
  };
}

function trainRun(phase: 'stable' | 'decay', arm: FixtureArm, seed: string, parents: string[]): ReportRun {
  const id = phase === 'stable' ? `stable-${arm.bound}-${seed}` : `decay-${arm.bound}-${arm.qa}-${seed}`;
  const random = new Random(id);
  const [steps, from] = phase === 'stable' ? [600, 0] : [200, 600];
  const metrics: MetricRow[] = [];
  for (let i = 0; i <= steps; i += 4) {
    const s = from + i;
    const loss =
      1.3 +
      0.4 * (1 - arm.bound) +
      3.8 * Math.exp(-s / 60) +
      0.6 * Math.exp(-s / 300) -
      (i / 3000) * from * 0.01;
    metrics.push({
      step: i,
      phase,
      num_tokens: s * 2048,
      ...(i === 0 ? {} : { loss: loss + 0.07 * random.normal(), learning_rate: 5e-3, grad_norm: 1 }),
      ...(i % 100 === 0
        ? {
            eval_loss: loss,
            'eval_loss/pages': loss + 0.5,
            'eval_loss/qa': loss - 0.3 - (phase === 'decay' ? (arm.qa * i) / 400 : 0),
            'eval_loss/instruction': loss - 0.7,
          }
        : {}),
    });
  }
  return {
    id,
    record: record({
      command: 'train',
      name: `${phase} seed ${seed}`,
      config: { phase, seed: Number(seed), sequence_length: 128 },
      parents,
      device: { name: 'llvmpipe', software: true },
      summary: { phase, steps, tokens: steps * 2048, finalLoss: metrics.at(-1)!.loss, parameters: 34_976 },
    }),
    metrics,
  };
}

function grpoRun(arm: FixtureArm, seed: string, steps: number, parent: string, id: string): ReportRun {
  const random = new Random(id);
  const metrics: MetricRow[] = [];
  const rollouts: RolloutRow[] = [];
  const start = 0.21 + 0.02 * random.normal();
  const top = arm.skill + 0.02 * random.normal();
  const cap = (s: number): number => (s < steps / 2 ? 64 : 96);
  for (let s = 0; s <= steps; s++) {
    // Seed 2 of the arm that collapses holds out.
    const fall = arm.collapse && seed !== '2' ? 1 / (1 + Math.exp(-(s - 32 - Number(seed)) / 3)) : 0;
    const skill = Math.min(
      1,
      Math.max(0, (start + (top - start) * (1 - Math.exp(-s / 18))) * (1 - 0.85 * fall)),
    );
    const length = Math.min(
      cap(s),
      (24 + 10 * (1 - Math.exp(-s / 20)) + random.normal()) * (1 - fall) + 0.97 * cap(s) * fall,
    );
    const noisy = (value: number, sd: number): number =>
      Math.min(1, Math.max(0, value + sd * random.normal()));
    metrics.push({
      step: s,
      phase: 'grpo',
      ...(s === 0
        ? {}
        : {
            reward: 2 * skill - 1 + 0.06 * random.normal(),
            reward_std: 0.8,
            entropy: 0.25 * Math.exp(-s / 50) + 0.05 + 0.3 * fall,
            frac_reward_zero_std: noisy(0.2, 0.04),
            'completions/mean_length': length,
            'completions/max_allowed_length': cap(s),
            'completions/clipped_ratio': noisy(0.01 + 0.9 * fall, 0.01),
            'completions/repetition_ratio': noisy(0.01 + 0.8 * fall, 0.01),
            'completions/answer_first_ratio': noisy(0.5 * Math.exp(-s / 9) + 0.4 * fall, 0.02),
            grad_norm: 0.4,
            kl: 0,
          }),
      ...(s % 5 === 0
        ? {
            eval_accuracy: noisy(skill, 0.015),
            eval_accuracy_low: skill - 0.04,
            eval_accuracy_high: skill + 0.04,
            'eval_completions/mean_length': length,
            'eval_completions/mean_correct_length': Math.min(length, 36) - 2,
          }
        : {}),
    });
    const draws = new Random(`prompts ${seed} ${s}`);
    for (let i = 0; s > 0 && i < 4; i++) {
      const [a, b] = [10 + draws.int(80), 10 + draws.int(80)];
      const right = random.float() < skill;
      const given = String(right ? a + b : a + b + 1 + random.int(9));
      rollouts.push({
        step: s,
        prompt: `${a}+${b}`,
        reward: right ? 1 : -1,
        answer: given,
        expected: String(a + b),
        truncated: fall > 0.5,
        length: Math.round(length),
        completion:
          fall > 0.5
            ? ` \\boxed{${given}}${' Solution'.repeat(20)}`
            : ` ${a}+${b}: tens ${Math.floor(a / 10) + Math.floor(b / 10)}, ones ${(a % 10) + (b % 10)}.\n\\boxed{${given}}`,
      });
    }
  }
  const first = metrics[0]!.eval_accuracy as number;
  const last = metrics.findLast((row) => row.eval_accuracy !== undefined)!.eval_accuracy as number;
  return {
    id,
    record: record({
      command: 'grpo',
      name: `${arm.name} seed ${seed}`,
      config: {
        seed: Number(seed),
        template: 'simple',
        num_generations: 16,
        max_completion_length: { 0: 64, [steps / 2]: 96 },
      },
      parents: [parent],
      device: { name: 'llvmpipe', software: true },
      summary: {
        steps,
        evalProblems: 512,
        startAccuracy: first,
        endAccuracy: last,
        change: last - first,
        interval: [last - first - 0.05, last - first + 0.05],
      },
    }),
    metrics,
    rollouts,
  };
}
