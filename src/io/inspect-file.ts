/**
 * Reading Parquet footers in a worker thread that can be killed: foreign files may make any parser hang or run out of memory. One worker
 * serves many files one after the other and is replaced when it had to be killed. Its heap is limited; larger allocations outside the heap
 * are bounded by the checks in parquet-footer.ts.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { InputError } from '../core/errors.ts';
import type { DocumentColumnOptions } from './document-columns.ts';
import { workerUrl } from './worker-url.ts';

export interface InspectLimits {
  /** Default 20 s. */
  timeoutMs?: number;
  /** JavaScript heap of the worker; default 512 MB. */
  memoryMb?: number;
}

export interface ParquetInspection {
  rows: number;
  rowGroups: { rows: number; bytes: number; uncompressed: number }[];
  columns: { name: string; type: string }[];
}

export type InspectRequest = { path: string; document: DocumentColumnOptions | undefined };
export type InspectAnswer =
  | { inspection: ParquetInspection }
  | { error: { problem: string; place?: string; hint?: string } };

/** A worker that has not even started by then is not the file's fault. */
const startupMs = 120_000;

export class ParquetInspector {
  private readonly limits: Required<InspectLimits>;
  private worker: Worker | undefined;

  constructor(limits: InspectLimits = {}) {
    this.limits = { timeoutMs: limits.timeoutMs ?? 20_000, memoryMb: limits.memoryMb ?? 512 };
  }

  /** Rows, row groups and columns; with `document` also checks that the document columns can be made. Throws an `InputError`. */
  async inspect(path: string, document?: DocumentColumnOptions): Promise<ParquetInspection> {
    this.worker ??= await this.start();
    const worker = this.worker;
    const answer = await new Promise<InspectAnswer>((resolve) => {
      const fail = (problem: string, hint?: string): void => {
        this.worker = undefined;
        void worker.terminate();
        settle({ error: { problem, place: 'footer', ...(hint === undefined ? {} : { hint }) } });
      };
      const timer = setTimeout(() => {
        fail(
          `the footer could not be read within ${this.limits.timeoutMs / 1000} s`,
          'the file is probably damaged; download it again',
        );
      }, this.limits.timeoutMs);
      const onMessage = (message: InspectAnswer): void => settle(message);
      const onError = (error: Error & { code?: string }): void => {
        const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        fail(
          memory
            ? `the footer needs more than ${this.limits.memoryMb} MB of memory`
            : `the footer cannot be read: ${error.message}`,
        );
      };
      const onExit = (): void => fail('the reader ended without an answer');
      const settle = (result: InspectAnswer): void => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        resolve(result);
      };
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage({ path, document } satisfies InspectRequest);
    });
    if ('inspection' in answer) return answer.inspection;
    const { problem, place, hint } = answer.error;
    throw new InputError(path, problem, {
      ...(place === undefined ? {} : { place }),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  private async start(): Promise<Worker> {
    const worker = new Worker(workerUrl('inspect-worker', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: this.limits.memoryMb, maxYoungGenerationSizeMb: 64 },
      execArgv: [],
    });
    // A worker that is being killed may still report errors; nobody waits for them.
    worker.on('error', () => {});
    // Time counts from the moment the worker is ready, so a busy machine does not make files look damaged.
    await once(worker, 'message', { signal: AbortSignal.timeout(startupMs) });
    return worker;
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}

/** Inspects one file. */
export async function inspectFile(path: string, limits: InspectLimits = {}): Promise<ParquetInspection> {
  const inspector = new ParquetInspector(limits);
  try {
    return await inspector.inspect(path);
  } finally {
    await inspector.close();
  }
}
