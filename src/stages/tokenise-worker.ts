/** The thread that tokenises units of a mixture's sources. Started by tokenise-sources.ts from source or from dist. */
import { workerData } from 'node:worker_threads';
import { collectGarbage } from '../core/collect-garbage.ts';
import type { TokenizerFiles } from '../tokens/tokenizer-files.ts';
import { serveUnits } from './serve-units.ts';
import { type TokeniseTools, toolsOf } from './tokenise-tools.ts';
import { type TokeniseTask, tokeniseUnit } from './tokenise-unit.ts';
import { weightOf } from './unit-queue.ts';

export interface TokeniseWorkerData {
  files: TokenizerFiles;
  name: string;
}

const collectAfterBytes = 8 << 20;

const { files, name } = workerData as TokeniseWorkerData;
/** Read since garbage was collected. */
let bytes = 0;
let tools: Promise<TokeniseTools> | undefined;

serveUnits(async (payload, progress, skip) => {
  tools ??= toolsOf(files, name);
  const task = payload as TokeniseTask;
  const summary = await tokeniseUnit(task, await tools, progress, skip);
  // Two threads peaked at 500 MB without it, and at 600 after two gigabytes.
  bytes += weightOf(task.unit);
  if (bytes >= collectAfterBytes) {
    bytes = 0;
    collectGarbage();
  }
  return summary;
});
