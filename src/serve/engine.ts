/**
 * A model that answers requests: the sampler's session with a bounded queue before it, text in and text out. Samples of all requests are
 * decoded side by side, and requests take turns for a free place; what a request draws depends on its prompt, its seed and its parameters, not on
 * what else is being served.
 */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { endTokenOf, endTokensOf } from '../../trainer/model/end-token.ts';
import { loadModel } from '../../trainer/model/folder.ts';
import type { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';
import type { DrawnSample, RankedPosition, TokenRequest } from '../../trainer/sampler/sampler-session.ts';
import type { SamplingParams } from '../../trainer/sampler/sampling.ts';
import { TokenText } from '../../trainer/sampler/token-text.ts';
import { UserError } from '../core/errors.ts';
import { type ChatMessage, ChatTemplate, encodeChat } from '../tokens/chat-template.ts';
import { loadTokenizer, type Tokenizer } from '../tokens/tokenizer.ts';
import { ApiError, badRequest } from './api-error.ts';
import type { RequestMessages } from './request-schemas.ts';
import { Turns } from './turns.ts';

export interface EngineOptions {
  /** Name it is served under; the folder's name by default. */
  name?: string;
  /** Other names that it answers to, such as the path as it was typed. */
  aliases?: readonly string[];
  /** Samples decoded side by side. */
  slots: number;
  /** Positions of a prompt and its answer together. */
  context: number;
  /** Samples that may wait for a slot. */
  queue: number;
}

export interface Job {
  /** The request that it is part of; requests take turns. */
  of: object;
  prompt: readonly number[];
  maxTokens: number;
  sampling: SamplingParams;
  seed: number;
  stops: readonly string[];
  /** Likeliest tokens to report with each drawn token; undefined: no log-probabilities. */
  top: number | undefined;
  /** The same for the prompt's tokens. */
  rankPrompt: number | undefined;
  signal: AbortSignal;
  /** Told of text as it becomes certain, with the tokens drawn since the last time. */
  onText?: (text: string, ranked: readonly RankedPosition[]) => void;
}

export interface Outcome {
  text: string;
  tokens: number;
  finish: 'stop' | 'length';
  ranked: readonly RankedPosition[];
  promptRanked: readonly RankedPosition[];
}

/** A sample that waits for its turn. */
interface Waiting {
  request: TokenRequest;
  resolve: (sample: DrawnSample) => void;
  reject: (error: unknown) => void;
}

export class Engine {
  readonly name: string;
  /** When its config.json was written, in seconds since 1970. */
  readonly created: number;
  private readonly names: ReadonlySet<string>;
  readonly folder: string;
  readonly context: number;
  readonly slots: number;
  readonly tokenizer: Tokenizer;
  private readonly queue: number;
  private readonly chat: ChatTemplate | undefined;
  private readonly endTokens: readonly number[];
  private readonly beginToken: number | undefined;
  private readonly weights: ModelWeights;
  private readonly sampler: Sampler;
  private readonly turns = new Turns<Waiting>();
  /** Samples that the session has. */
  private drawing = 0;

  private constructor(
    folder: string,
    options: EngineOptions,
    tokenizer: Tokenizer,
    weights: ModelWeights,
    sampler: Sampler,
  ) {
    this.folder = folder;
    this.name = options.name ?? basename(folder);
    this.created = Math.floor(statSync(join(folder, 'config.json')).mtimeMs / 1000);
    this.names = new Set([this.name, ...(options.aliases ?? [])]);
    this.context = sampler.shape.promptLength + sampler.shape.responseLength;
    this.slots = sampler.shape.slots;
    this.queue = options.queue;
    this.tokenizer = tokenizer;
    this.weights = weights;
    this.sampler = sampler;
    this.chat = ChatTemplate.of(tokenizer.files);
    const { config } = weights;
    this.endTokens = endTokensOf(folder, config, tokenizer);
    this.beginToken = config.bosId ?? tokenizer.bosId;
  }

  /** Loads a model folder. Throws a `UserError` for a context that is longer than the model's. */
  static async open(gpu: Gpu, folder: string, options: EngineOptions): Promise<Engine> {
    const tokenizer = await loadTokenizer(folder);
    const weights = await loadModel(gpu, folder);
    const { config } = weights;
    if (options.context > config.maxPositions) {
      weights.destroy();
      throw new UserError(
        `a context of ${options.context} is beyond the model's ${config.maxPositions} positions`,
        { hint: 'lower --max-model-len' },
      );
    }
    const sampler = await Sampler.create(gpu, weights, {
      config,
      promptLength: options.context - 1,
      responseLength: 1,
      slots: options.slots,
      temperature: 1,
      eosId: endTokenOf(folder, config, tokenizer),
      ranking: true,
    });
    return new Engine(folder, options, tokenizer, weights, sampler);
  }

  get load(): { waiting: number; running: number } {
    return { waiting: this.turns.size, running: this.drawing };
  }

  /** Whether a client that asks for this model means this one. */
  answersTo(name: string): boolean {
    return this.names.has(name);
  }

  /** Throws a 429 when `samples` more would overfill the queue now, a 400 when they always would. */
  makeRoom(samples: number): void {
    const most = this.slots + this.queue;
    if (samples > most)
      throw badRequest(
        `${samples} samples in one request; this server takes ${most} at a time: send fewer prompts`,
        null,
        'too_many_samples',
      );
    const { waiting, running } = this.load;
    if (samples > most - waiting - running)
      throw new ApiError(429, `${waiting} samples are waiting already; try again later`, {
        type: 'rate_limit_error',
        code: 'queue_full',
      });
  }

  /**
   * A text as the model reads a document: after its begin token, unless the text spells that itself; the end token where there is nothing else.
   * `added`: tokens at the front that the text does not spell.
   */
  encode(text: string, special = true): { ids: number[]; added: number } {
    const ids = [...this.tokenizer.encode(text)];
    const begin = special ? this.beginToken : undefined;
    const first = begin ?? (ids.length === 0 ? this.endTokens[0] : undefined);
    if (first === undefined || ids[0] === first) return { ids, added: 0 };
    ids.unshift(first);
    return { ids, added: 1 };
  }

  /** Ids that a client encoded itself. */
  checkIds(ids: readonly number[], param: string): number[] {
    const { vocabSize } = this.weights.config;
    const wrong = ids.find((id) => id >= vocabSize);
    if (wrong !== undefined)
      throw badRequest(`${param}: token ${wrong} is not one of this model's ${vocabSize}`, param);
    return [...ids];
  }

  /** A conversation through the tokenizer's chat template, with the assistant's turn opened. */
  encodeMessages(messages: RequestMessages): number[] {
    if (!this.chat)
      throw badRequest(
        `${this.name} has no chat template, so it takes no messages: use /v1/completions, or add chat_template to its tokenizer_config.json`,
        'messages',
        'no_chat_template',
      );
    const rendered = this.chat.render(messages.map(plainMessage), { addGenerationPrompt: true });
    if ('problem' in rendered) {
      const why = {
        template_error: `the chat template refused them: ${this.chat.lastError}`,
        template_too_long: 'the chat template writes too much of them',
        unknown_speaker: 'one of them has a role that is not known',
      }[rendered.problem];
      throw badRequest(`messages: ${why}`, 'messages');
    }
    return [...encodeChat(this.tokenizer, rendered.parts)];
  }

  /** Throws a 400 when a prompt and its answer are longer than the context; most tokens of an answer where none are asked for. */
  fit(prompt: readonly number[], maxTokens: number | undefined, param: string): number {
    const room = this.context - prompt.length;
    const wanted = maxTokens ?? room;
    if (room < wanted || room < 1)
      throw badRequest(
        `this model's context is ${this.context} tokens, and the prompt has ${prompt.length}${maxTokens === undefined ? '' : ` with ${maxTokens} more to write`}`,
        param,
        'context_length_exceeded',
      );
    return wanted;
  }

  /** One sample. */
  async draw(job: Job): Promise<Outcome> {
    const text = new TokenText(this.tokenizer, job.stops);
    let written = '';
    let told = 0;
    const ranked: RankedPosition[] = [];
    const tell = (piece: string): void => {
      written += piece;
      if (piece === '' || !job.onText) return;
      job.onText(piece, ranked.slice(told));
      told = ranked.length;
    };
    const sample = await this.submit(job.of, {
      prompt: job.prompt,
      seed: job.seed,
      maxTokens: job.maxTokens,
      sampling: job.sampling,
      endTokens: this.endTokens,
      signal: job.signal,
      ...(job.top !== undefined && { top: job.top }),
      ...(job.rankPrompt !== undefined && { rankPrompt: job.rankPrompt }),
      watch: (token, _, position) => {
        if (position) ranked.push(position);
        if (!this.endTokens.includes(token)) tell(text.push(token));
        return text.stop !== undefined;
      },
    });
    tell(text.finish());
    const finish = sample.finish === 'length' && text.stop === undefined ? 'length' : 'stop';
    return {
      text: written,
      tokens: sample.tokens.length,
      finish,
      ranked: sample.ranked,
      promptRanked: sample.promptRanked,
    };
  }

  private submit(of: object, request: TokenRequest & { signal: AbortSignal }): Promise<DrawnSample> {
    const { signal } = request;
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const waiting = { request, resolve, reject };
      this.turns.push(of, waiting);
      signal.addEventListener(
        'abort',
        () => {
          if (this.turns.remove(of, waiting)) reject(signal.reason);
        },
        { once: true },
      );
      this.pump();
    });
  }

  /** The session gets as many samples as it has slots, so that whose turn is next is decided when one is free. */
  private pump(): void {
    while (this.drawing < this.slots) {
      const next = this.turns.next();
      if (!next) return;
      this.drawing++;
      const after = (): void => {
        this.drawing--;
        this.pump();
      };
      this.sampler.session.submit(next.request).then(
        (sample) => {
          after();
          next.resolve(sample);
        },
        (error: unknown) => {
          after();
          next.reject(error);
        },
      );
    }
  }

  /** Waits until nothing is being drawn. */
  async idle(): Promise<void> {
    while (this.drawing > 0 || this.turns.size > 0) {
      // What has no turn yet gets one when the session has ended what it holds.
      await this.sampler.session.idle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Frees the device; call when idle. */
  close(): void {
    this.sampler.destroy();
    this.weights.destroy();
  }
}

function plainMessage({ role, content }: RequestMessages[number]): ChatMessage {
  return {
    role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  };
}
