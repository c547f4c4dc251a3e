/**
 * Does RL learn? Two tasks, three seeds each, through the same functions as the commands. Takes minutes a seed, so it is not in npm test.
 *
 *   digits  verl's digit completion (../shared/data/models/verl-arithmetic: its prompts and its character tokenizer, converted; its weights are random,
 *           so a model of 30,000 weights is made). After a short warm-up on right completions of the training prompts, cut off before the model
 *           knows them, GRPO must more than double the mean reward, from below 0.35 and by 0.3 at least, and lift accuracy on its test prompts.
 *   chains  arithmetic with a chain of thought: the world of `midtrain demo`, whole. Accuracy on held-out problems, sampled at temperature 1,
 *           must rise by 20 points or more from below one half.
 *
 *   npm run test:rl [-- digits|chains] [--seeds 11,12,13] [--out <folder>] [--steps <of GRPO>] [--warm-up <steps>]
 *
 * Prints start, end and curve of every seed, and fails when one does not learn. `--out` keeps the run folders and goes on with them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { readRun } from '../../src/io/run-record.ts';
import { TokenShardWriter } from '../../src/io/token-shard.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { convertFolder } from '../../trainer/convert/convert-folder.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { grpo } from '../../trainer/grpo/grpo.ts';
import { readRows } from '../../trainer/problem-sets/read-rows.ts';
import { train } from '../../trainer/training/train.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { sharedData } from '../io/shared-data.ts';
import { completeDigits } from './digit-reward.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // None of these was used to find the settings.
    seeds: { type: 'string', default: '11,12,13' },
    out: { type: 'string' },
    steps: { type: 'string' },
    'warm-up': { type: 'string' },
  },
});
const tasks = positionals.length > 0 ? positionals : ['digits', 'chains'];
const seeds = values.seeds.split(',').map(Number);
const root =
  values.out === undefined ? mkdtempSync(path.join(tmpdir(), 'rl-seeds-')) : path.resolve(values.out);
const signal = new AbortController().signal;

interface Learned {
  runFolder: string;
  /** What must rise, and by the rule of the task. */
  words: string;
  good: boolean;
}

const verl = path.join(sharedData, 'models', 'verl-arithmetic');

/** The prompts of a split as verl made them. Those that ask for no number have nothing to complete. */
async function prompts(split: 'train' | 'test'): Promise<string[]> {
  const out: string[] = [];
  for await (const { row } of readRows(path.join(verl, `${split}.parquet`)))
    out.push((row.prompt as { content: string }[])[0]!.content);
  return out.filter((prompt) => completeDigits(prompt) !== '');
}

async function digits(gpu: Gpu, seed: number, folder: string): Promise<Learned> {
  const converted = path.join(folder, 'verl');
  await convertFolder(verl, converted, 'F32');
  const tokenizer = await loadTokenizer(converted);
  const [known, unseen] = [await prompts('train'), await prompts('test')];
  // Documents have 18 tokens: windows of 64 would cut about one in four.
  const warmUp = { steps: Number(values['warm-up'] ?? 105), rows: 8, length: 256 };
  const data = path.join(folder, 'pages');
  await tokenizer.saveTo(path.join(data, 'tokenizer'));
  mkdirSync(path.join(data, 'shards'), { recursive: true });
  const writer = new TokenShardWriter(path.join(data, 'shards', '00000.ds'), {
    tokenizerName: 'verl',
    vocabSize: tokenizer.vocabSize,
  });
  const random = new Random(`digits/${seed}`);
  for (let tokens = 0, n = 0; tokens <= warmUp.steps * warmUp.rows * (warmUp.length + 1); n++) {
    const prompt = random.pick(known);
    // `S` and `E` are the separator and the end of verl's tokenizer.
    const ids = [...tokenizer.encode(`${prompt}S${completeDigits(prompt)}E`)];
    await writer.add(ids, { docId: String(n), source: 'digits' });
    tokens += ids.length;
  }
  await writer.finish();
  const warm = trainConfigSchema.parse({
    name: 'digits',
    out: path.join(folder, 'train'),
    data,
    seed,
    model: {
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      intermediate_size: 96,
      rope_theta: 100,
      initializer_range: 0.1,
      tie_word_embeddings: false,
    },
    document_mask: true,
    sequence_length: warmUp.length,
    micro_batch_size: warmUp.rows,
    stable: { steps: warmUp.steps, learning_rate: 0.005, warmup_steps: 10 },
    optimizer: { weight_decay: 0.01 },
    checkpoint_every: 10_000,
    eval_every: 10_000,
  });
  const { checkpoint } = await train(gpu, warm, 'stable', { emit: silent, signal });
  const problems = (name: string, list: readonly string[]): string => {
    const file = path.join(folder, `${name}.jsonl`);
    const rows = list.map((prompt) => ({ id: prompt, question: prompt, answer: completeDigits(prompt) }));
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  };
  const config = grpoConfigSchema.parse({
    name: 'digits-grpo',
    out: path.join(folder, 'grpo'),
    model: checkpoint,
    problems: problems('train', known),
    eval_problems: problems('test', unseen),
    seed,
    template: '{question}S',
    prompt_prefix: 'none',
    stop_strings: [],
    reward_funcs: [path.join(import.meta.dirname, 'digit-reward.ts'), 'accuracy_reward'],
    // The second only tells whether a whole response is right.
    reward_weights: [1, 0],
    reward_options: { accuracy_reward: { extract: 'final-line' } },
    steps: Number(values.steps ?? 150),
    prompts_per_step: 64,
    num_generations: 8,
    mini_batch_prompts: 8,
    schedule: { learning_rate: 0.001, warmup_steps: 3 },
    // Not shown to help: without the bonus one other seed went 0.22 -> 0.65 in 120 steps, with it three ended at 0.63 to 0.71 after 150.
    entropy_coef: 0.02,
    epsilon_high: 0.28,
    optimizer: { adam_beta2: 0.95 },
    max_prompt_length: 8,
    max_completion_length: { 0: 20 },
    micro_batch_size: 24,
    pack_length: 64,
    eval_every: 20,
    eval_temperature: 1,
    checkpoint_every: 50,
  });
  const { runFolder, startAccuracy, endAccuracy } = await grpo(gpu, config, { emit: silent, signal });
  const rewards = metricOf(runFolder, 'reward').map(([, reward]) => reward);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [first, last] = [mean(rewards.slice(0, 3)), mean(rewards.slice(-5))];
  return {
    runFolder,
    words: `mean reward ${first.toFixed(2)} -> ${last.toFixed(2)}, accuracy on test prompts ${percent(startAccuracy)} -> ${percent(endAccuracy)}`,
    // 0.8 was aimed at and not reached (EXPERIMENTS.md): from near 0.25 the reward must more than double, on test prompts too.
    good: first < 0.35 && last >= 2 * first && last - first >= 0.3 && endAccuracy - startAccuracy >= 0.1,
  };
}

/** The demo in a process of its own, as a user runs it. */
async function chains(_gpu: Gpu, seed: number, folder: string): Promise<Learned> {
  const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
  const args = [main, 'demo', '--seed', String(seed), '--out', folder, '--json'];
  const text = execFileSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const { startAccuracy, endAccuracy, interval } = JSON.parse(text) as {
    startAccuracy: number;
    endAccuracy: number;
    interval: [number, number];
  };
  return {
    runFolder: path.join(folder, 'grpo'),
    words: `accuracy on held-out problems ${percent(startAccuracy)} -> ${percent(endAccuracy)}, change ${percent(interval[0])} to ${percent(interval[1])} (95 %)`,
    good: startAccuracy < 0.5 && endAccuracy - startAccuracy >= 0.2 && interval[0] > 0,
  };
}

function metricOf(runFolder: string, name: string): [step: number, value: number][] {
  return readRun(runFolder).metrics.flatMap((row) =>
    typeof row[name] === 'number' ? [[row.step, row[name]] as [number, number]] : [],
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const curve = (points: readonly (readonly [number, number])[], every: number): string =>
  points
    .filter(([step], i) => step % every === 0 || i === points.length - 1)
    .map(([step, value]) => `${step}: ${value.toFixed(2)}`)
    .join('  ');

if (tasks.includes('digits') && !existsSync(verl)) {
  console.log(`digits skipped: ${verl} is not there`);
  tasks.splice(tasks.indexOf('digits'), 1);
}
const gpu = await openDevice();
console.log(`on ${gpu.info.name}`);
let bad = 0;
for (const task of tasks) {
  const run = { digits, chains }[task];
  if (run === undefined) throw new Error(`no task "${task}": digits or chains`);
  for (const seed of seeds) {
    const began = performance.now();
    const folder = path.join(root, `${task}-${seed}`);
    mkdirSync(folder, { recursive: true });
    const { runFolder, words, good } = await run(gpu, seed, folder);
    const minutes = (performance.now() - began) / 60_000;
    if (!good) bad++;
    console.log(
      `${task}, seed ${seed}: ${words}, ${minutes.toFixed(1)} minutes: ${good ? 'learned' : 'DID NOT LEARN'}`,
    );
    console.log(`  reward    ${curve(metricOf(runFolder, 'reward'), 10)}`);
    console.log(`  accuracy  ${curve(metricOf(runFolder, 'eval_accuracy'), 1)}`);
    const fired =
      readFileSync(path.join(runFolder, 'metrics.jsonl'), 'utf8').match(/"signature\/\w+\/fired"/g) ?? [];
    console.log(`  signatures that fired: ${fired.length === 0 ? 'none' : [...new Set(fired)].join(', ')}`);
  }
}
await gpu.close();
if (values.out === undefined) rmSync(root, { recursive: true, force: true });
process.exitCode = bad > 0 ? 1 : 0;
