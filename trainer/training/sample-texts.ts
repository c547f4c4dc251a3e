/** Texts drawn from a few prompts while a model trains, to look at how it changes: samples.jsonl in the run folder, one line a sample. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { hash32 } from '../../src/core/random.ts';
import { writeFileAtomicSync } from '../../src/io/atomic.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import { endTokenOf } from '../model/end-token.ts';
import type { ModelWeights } from '../model/weights.ts';
import { Sampler } from '../sampler/sampler.ts';
import type { TrainingPlan } from './plan-training.ts';
import type { TrainConfig } from './train-config.ts';

type SampleSettings = NonNullable<TrainConfig['samples']>;

export class SampleTexts {
  private readonly sampler: Sampler;
  private readonly tokenizer: Tokenizer;
  private readonly settings: SampleSettings;
  private readonly prompts: number[][];
  private readonly file: string;
  private readonly emit: Emit;

  private constructor(
    sampler: Sampler,
    tokenizer: Tokenizer,
    settings: SampleSettings,
    prompts: number[][],
    file: string,
    emit: Emit,
  ) {
    this.sampler = sampler;
    this.tokenizer = tokenizer;
    this.settings = settings;
    this.prompts = prompts;
    this.file = file;
    this.emit = emit;
  }

  /** Shares the weights being trained, so every text is from the model of its step. */
  static async create(
    gpu: Gpu,
    weights: ModelWeights,
    plan: TrainingPlan,
    settings: SampleSettings,
    emit: Emit,
  ): Promise<SampleTexts> {
    const { config } = weights;
    const tokenizer = await loadTokenizer(plan.tokenizerFolder);
    const eosId = endTokenOf(plan.tokenizerFolder, config, tokenizer);
    // Documents follow an end token in training; a prompt that is empty starts from one.
    const prompts = settings.prompts.map((prompt) => {
      const ids = [...tokenizer.encode(prompt)];
      return ids.length === 0 ? [eosId] : ids;
    });
    const promptLength = Math.max(...prompts.map((ids) => ids.length));
    if (promptLength + settings.max_tokens > config.maxPositions) {
      throw new UserError(
        `samples: ${promptLength} prompt tokens and ${settings.max_tokens} more are beyond the model's ${config.maxPositions} positions`,
        { hint: 'lower samples.max_tokens or shorten the prompts' },
      );
    }
    const sampler = await Sampler.create(gpu, weights, {
      config,
      promptLength,
      slots: prompts.length,
      responseLength: settings.max_tokens,
      temperature: settings.temperature,
      eosId,
    });
    return new SampleTexts(
      sampler,
      tokenizer,
      settings,
      prompts,
      path.join(plan.runFolder, 'samples.jsonl'),
      emit,
    );
  }

  /** Draws one text a prompt; the same step of the same weights gives the same texts. */
  async draw(step: number): Promise<void> {
    const requests = this.prompts.map((_, prompt) => ({ prompt, seed: hash32(`samples/${step}/${prompt}`) }));
    const samples = await this.sampler.generate(this.prompts, requests, {
      maxTokens: this.settings.max_tokens,
    });
    const rows = samples.map(({ prompt, tokens, truncated }) => ({
      step,
      prompt: this.settings.prompts[prompt]!,
      text: this.tokenizer.decode(tokens, { special: false }),
      tokens: tokens.length,
      truncated,
    }));
    this.forget(step);
    appendFileSync(this.file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const first = rows[0]!;
    this.emit({
      kind: 'message',
      level: 'info',
      text: `step ${step}: ${JSON.stringify(first.prompt)} -> ${JSON.stringify(first.text.slice(0, 200))}`,
    });
  }

  destroy(): void {
    this.sampler.destroy();
  }

  /** A run that goes on draws the samples of steps that it does again. */
  private forget(step: number): void {
    if (!existsSync(this.file)) return;
    const lines = readFileSync(this.file, 'utf8').split('\n');
    const kept = lines.filter((line) => {
      const at = /^\{"step":(\d+),/.exec(line)?.[1];
      return at !== undefined && line.endsWith('}') && Number(at) < step;
    });
    if (kept.length < lines.length - 1)
      writeFileAtomicSync(this.file, kept.map((line) => `${line}\n`).join(''));
  }
}
