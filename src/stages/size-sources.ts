/**
 * How much there is of each source of a recipe, soon and without reading it all: the designer plans with these sizes while the real counts
 * wait for `mix`. Sources that are not here have the size of their card; the others are looked at in a thread of their own, first all of them a
 * little, then each up to the bytes and the time allowed (size-source.ts). A source that ends the thread (memory, a hang) is given up with what
 * its card says, and the others go on. Nothing is written. Times decide how much is seen, so numbers may differ a little between runs.
 */

import { Worker } from 'node:worker_threads';
import type { LoadedRecipe } from '../../mixtures/load.ts';
import type { SourceSize } from '../../mixtures/plan.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { atExit } from '../core/cleanup.ts';
import { InterruptedError, messageOf } from '../core/errors.ts';
import { workerUrl } from '../io/worker-url.ts';
import type { SampleAnswer, SampleRequest, SizeRequest } from './sample-request.ts';
import { cardDetail, type SizeDetail, sizeOfCard } from './size-source.ts';

export type { SizeDetail } from './size-source.ts';

export interface SizeOptions {
  /** Where the data of cards without a path is looked for. */
  cwd: string;
  /** Folder or tokenizer.json; goes before the recipe's. */
  tokenizer?: string | undefined;
  /** Text of each source to tokenise, in bytes. Default 4 MB. */
  sampleBytes?: number;
  /** Default 4. */
  secondsPerSource?: number;
  signal?: AbortSignal | undefined;
  /** Called with better and better sizes of a source; `final` with the last. */
  onSize?: (name: string, size: SourceSize, detail: SizeDetail, final: boolean) => void;
  /** Told which tokenizer counts, or why it is bytes that are counted. */
  onTokenizer?: (note: string) => void;
}

const workerFile = workerUrl('sample-worker', import.meta.url);

/** A thread that says nothing for this long is stuck. */
const patienceMs = 60_000;

/** Sizes by source name. Throws `InterruptedError` when `signal` is aborted; a source that cannot be read is no error. */
export async function sizeSources(
  loaded: LoadedRecipe,
  options: SizeOptions,
): Promise<Record<string, SourceSize>> {
  const sizes: Record<string, SourceSize> = {};
  const own = options.tokenizer ?? loaded.recipe.tokenizer;
  const resolved = resolveSources(loaded, options.cwd);
  const give = (name: string, size: SourceSize, detail: SizeDetail, final: boolean): void => {
    sizes[name] = size;
    options.onSize?.(name, size, detail, final);
  };
  const giveCard = (source: (typeof resolved)[number], problem: string | undefined, final: boolean): void =>
    give(
      source.name,
      sizeOfCard(source, typeof own === 'string' ? own : undefined),
      cardDetail(problem),
      final,
    );
  for (const source of resolved) giveCard(source, undefined, source.data.kind === 'missing');
  const except: string[] = [];
  for (;;) {
    let current: string | undefined;
    const request: SizeRequest = {
      kind: 'size',
      loaded,
      cwd: options.cwd,
      tokenizer: options.tokenizer,
      sampleBytes: options.sampleBytes ?? 4e6,
      secondsPerSource: options.secondsPerSource ?? 4,
      except,
    };
    try {
      await askSampleWorker(request, options.signal, (answer) => {
        if (answer.kind === 'begin') current = answer.name;
        else if (answer.kind === 'tokenizer') options.onTokenizer?.(answer.note);
        else if (answer.kind === 'size') {
          if (answer.final) except.push(answer.name);
          give(answer.name, answer.size, answer.detail, answer.final);
        }
      });
      return sizes;
    } catch (error) {
      if (error instanceof InterruptedError) throw error;
      const source = resolved.find(({ name }) => name === current);
      // Before any source was begun there is nobody to leave out.
      if (source === undefined || except.includes(source.name)) throw error;
      except.push(source.name);
      giveCard(source, `could not be looked at: ${messageOf(error)}`, true);
    }
  }
}

/** Runs the thread to its end. Rejects when it fails or falls silent; `InterruptedError` when `signal` is aborted. */
export async function askSampleWorker(
  request: SizeRequest | SampleRequest,
  signal: AbortSignal | undefined,
  onAnswer: (answer: SampleAnswer) => void,
): Promise<void> {
  if (signal?.aborted) throw new InterruptedError();
  const worker = new Worker(workerFile, {
    workerData: request,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const unregister = atExit(async () => void (await worker.terminate()));
  let silence: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const listen = (): void => {
        clearTimeout(silence);
        silence = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs);
      };
      listen();
      signal?.addEventListener('abort', () => reject(new InterruptedError()), { once: true });
      worker.on('message', (answer: SampleAnswer) => {
        listen();
        if (answer.kind === 'end') resolve();
        else if (answer.kind === 'problem') reject(new Error(answer.message));
        else onAnswer(answer);
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`the thread ended with code ${code}`)));
    });
  } finally {
    clearTimeout(silence);
    unregister();
    worker.removeAllListeners();
    await worker.terminate();
  }
}
