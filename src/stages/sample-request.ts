/** What the thread that looks at sources (sample-worker.ts) is asked, and what it answers. Plain data. */
import type { LoadedRecipe } from '../../mixtures/load.ts';
import type { SourceSize } from '../../mixtures/plan.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import type { Ledger } from '../core/ledger.ts';
import type { SizeDetail } from './size-source.ts';
import type { Failure } from './unit-texts.ts';

export interface SizeRequest {
  kind: 'size';
  loaded: LoadedRecipe;
  cwd: string;
  tokenizer: string | undefined;
  /** Bytes of text of each source to tokenise. */
  sampleBytes: number;
  secondsPerSource: number;
  /** Sources to leave out: they ended the thread before. */
  except: string[];
}

export interface SampleRequest {
  kind: 'sample';
  source: ResolvedSource;
  /** Folder or tokenizer.json whose chat template is used. */
  tokenizer: string | undefined;
  count: number;
  seed: number;
  maxCharacters: number;
  seconds: number;
}

export interface SampledDocument {
  id: string;
  url: string;
  /** As it will be trained on, up to `maxCharacters`. */
  text: string;
  truncated: boolean;
}

export type SampleAnswer =
  | { kind: 'tokenizer'; note: string }
  | { kind: 'begin'; name: string }
  | { kind: 'size'; name: string; size: SourceSize; detail: SizeDetail; final: boolean }
  | { kind: 'documents'; documents: SampledDocument[]; ledger: Ledger; failures: Failure[] }
  | { kind: 'problem'; message: string; hint: string | undefined }
  | { kind: 'end' };
