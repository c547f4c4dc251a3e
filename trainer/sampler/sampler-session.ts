/**
 * Continuous batching: requests are submitted at any time, wait for a slot of the KV cache, and their tokens come back as they are read from
 * the device. When a sample ends, its slot takes the next request (Orca, Yu et al. 2022), so short samples do not wait for long ones.
 *
 * A round is: place waiting requests (slot-table.ts), fill their prompts in waves, then decode all busy slots for a few steps in one submit,
 * read what was drawn in one copy, hand it out. How many steps follows the time a step takes, so that slots are refilled and tokens handed
 * out soon without waiting for the device after every token; it decides when tokens come, never which.
 */
import { invariant, UserError } from '../../src/core/errors.ts';
import type { Executable } from '../gpu/executable.ts';
import { mostRanked, mostSteps, type SamplerPlan, type SamplerShape } from './sampler-plan.ts';
import { type SamplingParams, settingsOf } from './sampling.ts';
import { type Placement, SlotTable } from './slot-table.ts';

/** A token and its log-probability at temperature 1. */
export interface RankedToken {
  token: number;
  logp: number;
}

/** What was drawn, or given by a prompt, at one position: log-probabilities at temperature 1. */
export interface RankedPosition {
  token: number;
  logp: number;
  /** The likeliest tokens, from the top. */
  top: RankedToken[];
}

export interface TokenRequest {
  prompt: readonly number[];
  /** Any u32; decides the sample together with the prompt. */
  seed: number;
  /** Most tokens to draw; 0 only together with `rankPrompt`. */
  maxTokens: number;
  sampling: SamplingParams;
  /** Tokens that end the sample; they are part of it. */
  endTokens: readonly number[];
  /** Told of each token once, in order; true ends the sample with this token. */
  watch?: (token: number, logp: number, ranked: RankedPosition | undefined) => boolean;
  /** Likeliest tokens to report with every drawn token (needs a sampler made with `ranking`). */
  top?: number;
  /** The same for the tokens of the prompt, from the second on: how many likeliest ones. */
  rankPrompt?: number;
  signal?: AbortSignal;
}

export interface DrawnSample {
  /** Tokens drawn, the end token included when it was drawn. */
  tokens: number[];
  /** Log-probability of each token at the sampling temperature, over the whole vocabulary. */
  logps: number[];
  /** By an end token, by `watch`, by the length. */
  finish: 'end' | 'stop' | 'length';
  ranked: RankedPosition[];
  promptRanked: RankedPosition[];
}

interface Waiting {
  request: TokenRequest;
  resolve: (sample: DrawnSample) => void;
  reject: (error: unknown) => void;
}

interface Running extends Waiting {
  slot: number;
  /** The last token, not in the cache yet, and its position. */
  token: number;
  position: number;
  settings: Uint32Array;
  sample: DrawnSample;
}

const unused = 0xffffffff;
/** The device is looked at about this often. */
const roundMs = 20;

export class SamplerSession {
  private readonly executable: Executable;
  private readonly planned: SamplerPlan;
  private readonly shape: SamplerShape;
  private readonly table: SlotTable;
  private readonly waiting: Waiting[] = [];
  private running: Running[] = [];
  private loop: Promise<void> | undefined;
  private stepMs = roundMs;

  constructor(executable: Executable, planned: SamplerPlan, shape: SamplerShape) {
    this.executable = executable;
    this.planned = planned;
    this.shape = shape;
    this.table = new SlotTable(shape.slots);
  }

  /** Requests that have no slot yet, and those that have one. */
  get load(): { waiting: number; running: number } {
    return { waiting: this.waiting.length, running: this.running.length };
  }

  /**
   * Draws a sample. Rejects with the signal's reason when that aborts (its slot is free again a round later), with a `UserError` for a request
   * that does not fit the sampler, and with the device's error, which ends all samples in hand.
   */
  submit(request: TokenRequest): Promise<DrawnSample> {
    const refused = this.whyNot(request);
    if (refused) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      // Not at once: requests submitted together are placed together.
      this.loop ??= Promise.resolve().then(() => this.run());
    });
  }

  /** Waits until nothing is in hand. */
  async idle(): Promise<void> {
    while (this.loop) await this.loop;
  }

  /** What the cache holds is worth nothing any more: the weights have changed. Nothing may be in hand. */
  forget(): void {
    invariant(this.running.length === 0, 'weights changed while samples were drawn');
    this.table.forget();
  }

  private whyNot({ prompt, maxTokens, top, rankPrompt }: TokenRequest): UserError | undefined {
    const { promptLength, responseLength, ranking } = this.shape;
    const capacity = promptLength + responseLength;
    if (prompt.length === 0 || prompt.length > capacity)
      return new UserError(`a prompt has ${prompt.length} tokens; this sampler takes 1 to ${promptLength}`, {
        hint: 'shorten the prompt, or make room for longer ones',
      });
    if (prompt.length + maxTokens > capacity)
      return new UserError(
        `${prompt.length} prompt tokens and ${maxTokens} more are beyond the ${capacity} positions of a slot`,
        { hint: 'ask for fewer tokens, or shorten the prompt' },
      );
    invariant(maxTokens > 0 || rankPrompt !== undefined, 'a sample has at least one token');
    invariant(
      ranking || (top === undefined && rankPrompt === undefined),
      'this sampler was made without ranking',
    );
    return undefined;
  }

  private async run(): Promise<void> {
    try {
      while (this.waiting.length > 0 || this.running.length > 0) {
        this.dropAborted();
        await this.admit();
        if (this.running.length > 0) await this.decode();
      }
    } catch (error) {
      for (const { slot } of this.running) this.table.release(slot);
      const failed = [...this.running, ...this.waiting.splice(0)];
      this.running = [];
      this.table.forget();
      for (const { reject } of failed) reject(error);
    } finally {
      this.loop = undefined;
    }
  }

  private dropAborted(): void {
    const kept = this.running.filter((one) => {
      if (!one.request.signal?.aborted) return true;
      this.table.release(one.slot);
      one.reject(one.request.signal.reason);
      return false;
    });
    if (kept.length < this.running.length) this.running = kept;
    for (let i = this.waiting.length - 1; i >= 0; i--) {
      const { request, reject } = this.waiting[i]!;
      if (!request.signal?.aborted) continue;
      this.waiting.splice(i, 1);
      reject(request.signal.reason);
    }
  }

  /** Gives waiting requests the free slots, in order, and computes what of their prompts is not there. */
  private async admit(): Promise<void> {
    if (this.waiting.length === 0) return;
    const placed: { one: Running; placement: Placement }[] = [];
    this.table.beginRound();
    let taken = 0;
    for (const entry of this.waiting) {
      const { prompt, seed, sampling, endTokens, rankPrompt } = entry.request;
      const placement = this.table.place(prompt, rankPrompt === undefined);
      if (!placement) break;
      taken++;
      const one: Running = {
        ...entry,
        slot: placement.slot,
        token: prompt.at(-1)!,
        position: prompt.length - 1,
        settings: settingsOf(sampling, seed, endTokens),
        sample: { tokens: [], logps: [], finish: 'length', ranked: [], promptRanked: [] },
      };
      placed.push({ one, placement });
    }
    if (taken === 0) return;
    this.waiting.splice(0, taken);
    this.running.push(...placed.map(({ one }) => one));
    const waves = Math.max(...placed.map(({ placement }) => placement.wave)) + 1;
    for (let wave = 0; wave < waves; wave++) {
      const of = placed.filter(({ placement }) => placement.wave === wave);
      this.copy(of.map(({ placement }) => placement));
      this.fill(of.filter(({ one }) => one.request.rankPrompt === undefined));
      for (const { one } of of) if (one.request.rankPrompt !== undefined) await this.score(one);
    }
    for (const { one } of placed) if (one.request.maxTokens === 0) this.finish(one, 'length');
    this.running = this.running.filter(({ request }) => request.maxTokens > 0);
  }

  private copy(placements: readonly Placement[]): void {
    const copies = placements.filter(({ from }) => from !== undefined);
    if (copies.length === 0) return;
    const source = new Uint32Array(this.shape.slots).fill(unused);
    const lengths = new Uint32Array(this.shape.slots);
    for (const { slot, from, reused } of copies) {
      source[slot] = from!;
      lengths[slot] = reused;
    }
    const { tensors } = this.planned;
    this.executable.write(tensors.source, source);
    this.executable.write(tensors.lengths, lengths);
    this.executable.run('copy');
  }

  /** Keys and values of the prompts' tokens from `reused` on, but for the last one, packed into rows. */
  private fill(placed: readonly { one: Running; placement: Placement }[]): void {
    const rows = placed.flatMap(({ one, placement }) => {
      const { prompt } = one.request;
      return Array.from({ length: prompt.length - 1 - placement.reused }, (_, i) => {
        const position = placement.reused + i;
        return { token: prompt[position]!, position, slot: one.slot };
      });
    });
    const { extendRows } = this.planned;
    const most = extendRows.at(-1)!;
    for (let first = 0; first < rows.length; first += most) {
      const chunk = rows.slice(first, first + most);
      const size = extendRows.find((n) => n >= chunk.length)!;
      this.writeRows(chunk, size);
      this.executable.run(`extend ${size}`);
    }
  }

  private writeRows(
    rows: readonly { token: number; position: number; slot: number }[],
    size: number,
    to = this.planned.tensors.prompt,
  ): void {
    const column = (value: (row: (typeof rows)[number]) => number, spare: number) =>
      Uint32Array.from({ length: size }, (_, i) => (i < rows.length ? value(rows[i]!) : spare));
    this.executable.write(
      to.tokens,
      column((row) => row.token, 0),
    );
    this.executable.write(
      to.positions,
      column((row) => row.position, 0),
    );
    this.executable.write(
      to.slots,
      column((row) => row.slot, unused),
    );
  }

  /** A prompt's keys and values with the log-probability of each of its tokens from the second on. */
  private async score({ request, slot, sample }: Running): Promise<void> {
    const { scoreRows, tensors } = this.planned;
    const { prompt, rankPrompt = 0 } = request;
    const most = scoreRows.at(-1)!;
    for (let first = 0; first < prompt.length - 1; first += most) {
      const count = Math.min(most, prompt.length - 1 - first);
      const size = scoreRows.find((n) => n >= count)!;
      const rows = Array.from({ length: count }, (_, i) => ({
        token: prompt[first + i]!,
        position: first + i,
        slot,
      }));
      this.writeRows(rows, size);
      const targets = Uint32Array.from({ length: size }, (_, i) => (i < count ? prompt[first + i + 1]! : 0));
      this.executable.write(tensors.targets!, targets);
      this.executable.write(tensors.wanted!, new Uint32Array(size).fill(rankPrompt));
      this.executable.run(`score ${size}`);
      sample.promptRanked.push(...(await this.readRanks(Array(count).fill(rankPrompt))));
    }
  }

  private async readRanks(wanted: readonly number[]): Promise<RankedPosition[]> {
    const stride = (mostRanked + 1) * 2;
    const words = new Uint32Array(
      await this.executable.read(this.planned.tensors.ranks!, wanted.length * stride),
    );
    const logps = new Float32Array(words.buffer);
    const { vocabSize } = this.shape.config;
    return wanted.map((count, row) => {
      const at = (i: number) => ({
        token: words[row * stride + i * 2]!,
        logp: logps[row * stride + i * 2 + 1]!,
      });
      return {
        ...at(0),
        top: Array.from({ length: Math.min(count, mostRanked, vocabSize) }, (_, i) => at(i + 1)),
      };
    });
  }

  /** A few steps of all running samples; those that end give their slots back. */
  private async decode(): Promise<void> {
    const { executable, running } = this;
    const { tensors, decodeRows } = this.planned;
    const size = decodeRows.find((n) => n >= running.length)!;
    const rank = running.some(({ request }) => request.top !== undefined);
    const left = running.map(({ request, sample }) => request.maxTokens - sample.tokens.length);
    const wished = Math.max(1, Math.min(mostSteps, Math.ceil(roundMs / this.stepMs)));
    const steps = rank ? 1 : Math.min(wished, Math.max(...left));
    this.writeRows(running, size, tensors.decoding);
    const settings = new Uint32Array(size * 8);
    const state = new Uint32Array(size * 4);
    for (let row = 0; row < size; row++) {
      const one = running[row];
      // A spare row is done from the start.
      state.set(one ? [one.position, 0, 0, left[row]!] : [0, 1, 0, 0], row * 4);
      if (one) settings.set(one.settings, row * 8);
    }
    executable.write(tensors.settings, settings);
    executable.write(tensors.state, state);
    if (rank) {
      const wanted = Uint32Array.from({ length: size }, (_, row) => running[row]?.request.top ?? 0);
      executable.write(tensors.wanted!, wanted);
    }
    const began = performance.now();
    executable.run(...Array<string>(steps).fill(`${rank ? 'rank' : 'decode'} ${size}`));
    const drawn = new Uint32Array(await executable.read(tensors.out, steps * size * 2));
    const ranks = rank ? await this.readRanks(running.map(({ request }) => request.top ?? 0)) : [];
    this.stepMs = (performance.now() - began) / steps;
    const logps = new Float32Array(drawn.buffer);
    this.running = running.filter((one, row) => {
      const before = one.sample.tokens.length;
      let finish: DrawnSample['finish'] | undefined;
      for (let step = 0; step < steps && finish === undefined; step++) {
        const at = (step * size + row) * 2;
        const ranked = one.request.top === undefined ? undefined : ranks[row];
        finish = this.take(one, drawn[at]!, logps[at + 1]!, ranked);
      }
      const fresh = one.sample.tokens.slice(before);
      this.table.extend(one.slot, [one.token, ...fresh.slice(0, -1)]);
      one.token = fresh.at(-1)!;
      one.position += fresh.length;
      if (finish === undefined) return true;
      this.finish(one, finish);
      return false;
    });
  }

  private take(
    { request, sample }: Running,
    token: number,
    logp: number,
    ranked: RankedPosition | undefined,
  ): DrawnSample['finish'] | undefined {
    sample.tokens.push(token);
    sample.logps.push(logp);
    if (ranked) sample.ranked.push(ranked);
    const stop = request.watch?.(token, logp, ranked);
    if (request.endTokens.includes(token)) return 'end';
    if (stop) return 'stop';
    return sample.tokens.length >= request.maxTokens ? 'length' : undefined;
  }

  private finish(one: Running, finish: DrawnSample['finish']): void {
    this.table.release(one.slot);
    one.sample.finish = finish;
    one.resolve(one.sample);
  }
}
