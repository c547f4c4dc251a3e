/**
 * Documents of a source to look at, as they will be trained on, drawn by hash from anywhere in it (draw-documents.ts) in a thread of its
 * own. Bounded: pieces are read up to a megabyte of text each, and no more of them after the time allowed.
 */
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { UserError } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import type { SampledDocument } from './sample-request.ts';
import { askSampleWorker } from './size-sources.ts';
import type { Failure } from './unit-texts.ts';

export type { SampledDocument } from './sample-request.ts';

export interface SampleSourceOptions {
  count: number;
  seed: number;
  /** Of one document; the rest is cut off and `truncated` says so. */
  maxCharacters: number;
  /** Folder or tokenizer.json with the chat template, for sources of template `chat`. */
  tokenizer?: string | undefined;
  /** Default 5. */
  seconds?: number;
  signal?: AbortSignal | undefined;
  /** Told how many records were looked at and why some gave no text, and which files could not be read. */
  onLedger?: (ledger: Ledger, failures: readonly Failure[]) => void;
}

/**
 * Up to `count` documents. Throws a `UserError` when the data is not here or cannot be read, and `InterruptedError` when `signal` is aborted; where
 * records are there but none gives a text, the result is empty and the ledger says why.
 */
export async function sampleSource(
  source: ResolvedSource,
  options: SampleSourceOptions,
): Promise<SampledDocument[]> {
  if (source.data.kind === 'missing') {
    throw new UserError(`source ${source.name}: nothing at ${source.data.expected}`, {
      hint: `fetch it and put it there, or name what you have: --data ${source.name}=./path`,
    });
  }
  const documents: SampledDocument[] = [];
  const { count, seed, maxCharacters, tokenizer, seconds = 5 } = options;
  await askSampleWorker(
    { kind: 'sample', source, tokenizer, count, seed, maxCharacters, seconds },
    options.signal,
    (answer) => {
      if (answer.kind !== 'documents') return;
      documents.push(...answer.documents);
      options.onLedger?.(answer.ledger, answer.failures);
    },
  );
  return documents;
}
