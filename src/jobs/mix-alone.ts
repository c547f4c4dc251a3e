/** `mix` under the job's lock. One run at a time works in a folder: two would take each other's files away. */
import { rmdir } from 'node:fs/promises';
import { type MixResult, mix } from '../stages/mix.ts';
import { assertMixOutput } from '../stages/mix-output.ts';
import type { MixRequest } from '../stages/mix-request.ts';
import type { SettledMix } from '../stages/settle-mix.ts';
import { underLock } from './under-lock.ts';

/** Throws what `mix` throws, and a `UserError` that says who holds the lock. */
export function mixAlone(request: MixRequest, settled?: SettledMix): Promise<MixResult> {
  return aloneIn(request.output, () => mix(request, settled));
}

/** Work in the folder of a mixture with its lock held. A folder that it leaves empty goes again. */
export async function aloneIn<Result>(output: string, work: () => Promise<Result>): Promise<Result> {
  assertMixOutput(output);
  try {
    return await underLock(output, work);
  } finally {
    await rmdir(output).catch(() => {}); // only if nothing came of it
  }
}
