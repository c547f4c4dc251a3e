/**
 * What an evaluation will do: which problems, under which prompts, in how many parts; decided before a device is opened. `--dry-run` prints it.
 * `decisive` is everything that decides the samples; a folder that was begun with other settings is not gone on with.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { InputError, UserError } from '../../src/core/errors.ts';
import { type ExemplarSet, type Extraction, exemplarSets } from '../../src/core/evaluation.ts';
import { fingerprintFile } from '../../src/io/file-hash.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { ModelConfig } from '../model/config.ts';
import { endTokensOf } from '../model/end-token.ts';
import { readModelConfig } from '../model/folder.ts';
import { loadProblemSet, type ProblemSet } from '../problem-sets/load-problem-set.ts';
import { readProblems } from '../problem-sets/problems.ts';
import type { Problems } from '../problem-sets/selection.ts';
import { checkPromptBudget, encodePrompt } from '../prompts/encode-prompt.ts';
import { builtInShots, drawnShots, type FewShot } from '../prompts/few-shot.ts';
import { loadTemplate } from '../prompts/load-template.ts';
import { prefixToken } from '../prompts/prefix-token.ts';
import { type PromptTemplate, stopStringsOf } from '../prompts/templates.ts';
import type { SamplingParams } from '../sampler/sampling.ts';
import { problemsPerPart } from './evaluate-set.ts';
import type { ChoiceScore } from './score-choices.ts';

export interface EvaluationRequest {
  /** Benchmarks by name, paths, or selections of these. */
  sets: readonly Problems[];
  /** `simple`, `complex`, `question`, `chat`, or a text with `{question}`. */
  template: string;
  system?: string | undefined;
  /** Worked examples in front of each problem; `usual` takes the number that the benchmark's card gives. */
  fewShot: number | 'usual';
  /** A set of our own, or a problem set with solutions; by default what the card says. */
  exemplars?: string | undefined;
  /** Between a worked example's prompt and its solution (lm-eval's target_delimiter); nothing by default, and never behind the problem itself. */
  targetDelimiter?: string | undefined;
  /** How answers are found; by default what the card says, else the last box. */
  extract?: Extraction | undefined;
  /** `choices` scores the choices by log-probability instead of generating. */
  mode: 'generate' | 'choices';
  choiceScore: ChoiceScore;
  promptPrefix: 'auto' | 'bos' | 'eos' | 'none';
  /** By default those that go with the template. */
  stopStrings?: readonly string[] | undefined;
  sampling: SamplingParams;
  samples: number;
  maxTokens: number;
  seed: number;
  cwd: string;
}

export interface PlannedSet {
  name: string;
  set: ProblemSet;
  template: PromptTemplate;
  extract: Extraction;
  /** Tokens of the longest prompt (with its longest choice, where choices are scored). */
  longestPrompt: number;
  perPart: number;
  /** What decides this set's samples. */
  decisive: Record<string, unknown>;
}

export interface EvaluationPlan {
  model: string;
  modelConfig: ModelConfig;
  tokenizer: Tokenizer;
  prefix: number | undefined;
  /** Of the model; a chat template adds its own. */
  endTokens: readonly number[];
  request: EvaluationRequest;
  sets: PlannedSet[];
  decisive: Record<string, unknown>;
  inputs: { path: string; bytes: number; fingerprint: string }[];
  warnings: string[];
}

export async function planEvaluation(model: string, request: EvaluationRequest): Promise<EvaluationPlan> {
  assertModelFolder(model);
  const modelConfig = await readModelConfig(model);
  const tokenizer = await loadTokenizer(model);
  const prefix = prefixToken(request.promptPrefix, modelConfig, tokenizer);
  const sets: PlannedSet[] = [];
  for (const problems of request.sets) {
    const set = await loadProblemSet(problems, { cwd: request.cwd });
    sets.push(await planSet({ model, modelConfig, tokenizer, prefix, request }, set, sets));
  }
  if (request.mode === 'choices' && (request.samples > 1 || request.sampling.temperature > 0)) {
    throw new UserError('scoring choices draws nothing: it takes no --samples and no --temperature', {
      hint: 'leave them out, or generate (--mode generate)',
    });
  }
  const inputs = await modelFiles(model);
  const { sampling, samples, maxTokens, seed, mode, choiceScore, promptPrefix } = request;
  const drawing =
    mode === 'choices'
      ? { mode, choice_score: choiceScore }
      : { mode, ...sampling, samples, max_tokens: maxTokens, seed };
  return {
    model,
    modelConfig,
    tokenizer,
    prefix,
    endTokens: endTokensOf(model, modelConfig, tokenizer),
    request,
    sets,
    decisive: {
      model_files: fingerprint(
        inputs.map(({ path, ...rest }) => ({ ...rest, name: path.slice(model.length) })),
      ),
      prompt_prefix: promptPrefix,
      ...drawing,
    },
    inputs,
    warnings: [...sets.flatMap(({ set }) => set.warnings), ...withoutUsual(sets, request)],
  };
}

/** `--few-shot usual` is what cards say; a file alone has none. */
function withoutUsual(sets: readonly PlannedSet[], { fewShot }: EvaluationRequest): string[] {
  if (fewShot !== 'usual') return [];
  return sets
    .filter(({ set }) => set.evaluation?.fewShot === undefined)
    .map(
      ({ name, set }) =>
        `${name}: no card says how many worked examples are usual, so it is asked without any (${set.card === undefined ? 'name=file reads a file as the benchmark of that name; ' : ''}--few-shot 4 gives four)`,
    );
}

/** A run folder is often given for its checkpoint: the cure names the last one. */
function assertModelFolder(model: string): void {
  if (existsSync(join(model, 'config.json'))) return;
  const inside = join(model, 'checkpoints');
  const last = existsSync(inside)
    ? readdirSync(inside)
        .filter((name) => /^step-\d+$/.test(name))
        .sort()
        .at(-1)
    : undefined;
  throw new UserError(
    `${model} ${existsSync(model) ? 'is not a model folder: it has no config.json' : 'does not exist'}`,
    {
      hint:
        last === undefined
          ? 'give a Hugging Face model folder or a checkpoint of midtrain train'
          : `this is a run; its last checkpoint is ${join(inside, last)}`,
    },
  );
}

type SetContext = Pick<EvaluationPlan, 'model' | 'modelConfig' | 'tokenizer' | 'prefix' | 'request'>;

async function planSet(
  { model, modelConfig, tokenizer, prefix, request }: SetContext,
  set: ProblemSet,
  before: readonly PlannedSet[],
): Promise<PlannedSet> {
  const { mode } = request;
  const shots = delimited(await shotsOf(set, request), request.targetDelimiter);
  const template = await loadTemplate({ template: request.template, model, system: request.system, shots });
  const withoutChoices = set.problems.find(({ choices }) => choices === undefined);
  if (mode === 'choices' && withoutChoices !== undefined) {
    throw new InputError(set.paths.join(', '), `problem ${withoutChoices.id} has no choices to score`, {
      hint: 'scoring choices is for multiple choice (MMLU, AQuA, ARC); generate for the others',
    });
  }
  const answerTokens = mode === 'choices' ? 0 : request.maxTokens;
  const prompts = set.problems.map((problem) => ({
    id: problem.id,
    length:
      encodePrompt({ tokenizer, template, prefix }, problem).tokens.length +
      choiceTokens(problem.choices, request, tokenizer),
  }));
  const extract =
    request.extract ?? set.evaluation?.extract ?? (set.problems[0]!.choices ? 'choice' : 'boxed');
  const longestPrompt = checkPromptBudget(prompts, answerTokens, modelConfig.maxPositions);
  const stops = request.stopStrings ?? stopStringsOf(template);
  const samples = mode === 'choices' ? 1 : request.samples;
  return {
    name: freeName(set.name, before),
    set,
    template,
    extract,
    longestPrompt,
    perPart: problemsPerPart(samples),
    decisive: {
      problems: fingerprint(set.problems.map(({ id, question, expected }) => [id, question, expected])),
      template: template.name === 'custom' ? template.text : template.name,
      ...(request.system === undefined ? {} : { system: request.system }),
      few_shot: shots === undefined ? 0 : { n: shots.n, from: shots.name, examples: fingerprint(shots.pool) },
      extract,
      ...(mode === 'choices' ? {} : { stop: stops }),
    },
  };
}

function choiceTokens(
  choices: readonly string[] | undefined,
  { mode, choiceScore }: EvaluationRequest,
  tokenizer: Tokenizer,
): number {
  if (mode !== 'choices' || choices === undefined) return 0;
  const texts = choiceScore === 'letter' ? [' A'] : choices.map((choice) => ` ${choice}`);
  return Math.max(...texts.map((text) => tokenizer.encode(text, { special: false }).length));
}

async function shotsOf(set: ProblemSet, request: EvaluationRequest): Promise<FewShot | undefined> {
  const usual = set.evaluation?.fewShot;
  const n = request.fewShot === 'usual' ? (usual?.n ?? 0) : request.fewShot;
  if (n === 0) return undefined;
  const named = request.exemplars;
  if (named !== undefined && !(exemplarSets as readonly string[]).includes(named)) {
    return drawnShots(await readProblems(named, { cwd: request.cwd, use: 'train' }), n, request.seed, named);
  }
  const choices = set.problems[0]!.choices?.length;
  const fitting = choices === undefined ? 'gsm' : choices > 4 ? 'choice-5' : 'choice-4';
  return builtInShots((named as ExemplarSet | undefined) ?? usual?.exemplars ?? fitting, n);
}

function delimited(shots: FewShot | undefined, delimiter: string | undefined): FewShot | undefined {
  if (shots === undefined || delimiter === undefined || delimiter === '') return shots;
  return {
    ...shots,
    pool: shots.pool.map((shot) => ({ ...shot, solution: `${delimiter}${shot.solution}` })),
  };
}

/** Folder name of a set: plain characters, and no other set's. */
function freeName(name: string, before: readonly PlannedSet[]): string {
  const plain =
    name
      .replace(/[^\w.-]+/g, '_')
      .replace(/^\.+/, '')
      .slice(0, 100) || 'problems';
  let free = plain;
  for (let n = 2; before.some((other) => other.name === free); n++) free = `${plain}-${n}`;
  return free;
}

/** What the model is: its config, tokenizer and weights by content, so that a folder may be moved and a changed checkpoint is noticed. */
async function modelFiles(folder: string): Promise<EvaluationPlan['inputs']> {
  const names = readdirSync(folder)
    .filter((name) =>
      /^config\.json$|\.safetensors$|^tokenizer(?:_config)?\.json$|^chat_template\.jinja$/.test(name),
    )
    .sort();
  const files: EvaluationPlan['inputs'] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (existsSync(path)) files.push({ path: resolve(path), ...(await fingerprintFile(path)) });
  }
  return files;
}
