/** What an endpoint that writes text is made of: the samples that it needs, and how it writes them. answer.ts carries it out. */
import { randomInt } from 'node:crypto';
import type { RankedPosition } from '../../trainer/sampler/sampler-session.ts';
import { hash32 } from '../core/random.ts';
import type { Job, Outcome } from './engine.ts';
import type { ChatRequest, CompletionRequest } from './request-schemas.ts';

/** A sample of a request; `of` and `signal` are the same for all of them. */
export type JobOfRequest = Omit<Job, 'of' | 'signal' | 'onText'>;

export interface TextEndpoint {
  jobs: JobOfRequest[];
  /** Which samples become choices, where more are drawn than are answered. */
  choose?: (outcomes: readonly Outcome[]) => Outcome[];
  /** Prompts, each counted once. */
  promptTokens: number;
  object: string;
  chunkObject: string;
  id: string;
  /** A whole choice. */
  choice(index: number, outcome: Outcome): object;
  /** Before any text of a stream. */
  opening(index: number): object | undefined;
  piece(index: number, text: string, ranked: readonly RankedPosition[]): object;
  ending(index: number, outcome: Outcome): object;
}

/** What both requests say in the same words; `draws` samples of each prompt. */
export function sharedJob(
  request: CompletionRequest | ChatRequest,
  draws: number,
): Pick<Job, 'sampling' | 'stops'> & { seeds: number[] } {
  const { temperature, top_p, top_k, min_p, stop, seed } = request;
  const base = seed ?? randomInt(2 ** 32);
  return {
    sampling: {
      temperature: temperature ?? 1,
      top_p: top_p ?? 1,
      top_k: Math.max(0, top_k ?? 0),
      min_p: min_p ?? 0,
    },
    stops: typeof stop === 'string' ? [stop] : (stop ?? []),
    seeds: Array.from({ length: draws }, (_, i) => hash32(`${base}/serve/${i}`)),
  };
}
