/** The thread that tokenises units of a mixture's sources. Started by tokenise-sources.ts from source or from dist. */
import { workerData } from 'node:worker_threads';
import type { TokenizerFiles } from '../tokens/tokenizer-files.ts';
import { serveUnits } from './serve-units.ts';
import { type TokeniseTools, toolsOf } from './tokenise-tools.ts';
import { type TokeniseTask, tokeniseUnit } from './tokenise-unit.ts';

export interface TokeniseWorkerData {
  files: TokenizerFiles;
  name: string;
}

const { files, name } = workerData as TokeniseWorkerData;
let tools: Promise<TokeniseTools> | undefined;

serveUnits(async (payload, progress, skip) => {
  tools ??= toolsOf(files, name);
  return tokeniseUnit(payload as TokeniseTask, await tools, progress, skip);
});
