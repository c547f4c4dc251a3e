/**
 * GRPO (Shao et al. 2024) as the paper runs it: roll out, score, normalise within groups, clipped updates, evaluate. A function of config and
 * start model; the same call goes on from the last complete checkpoint bit for bit, because every draw comes from (seed, step, problem,
 * sample), the length from the step or the checkpoint, and what a watcher remembers is in the checkpoint too. A rollback (rollback.ts) is such a
 * resume with one more change on record, which is why the whole run is opened again for it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { InterruptedError, messageOf } from '../../src/core/errors.ts';
import { readRecord } from '../../src/io/run-record.ts';
import type { Gpu } from '../gpu/device.ts';
import { listCheckpoints, newestValid } from '../learner/checkpoint.ts';
import { resolvePrecision } from '../model/precision.ts';
import type { GrpoConfig } from './config.ts';
import { GrpoLoop, type GrpoOptions, type GrpoResult } from './grpo-loop.ts';
import { changedConfig, readRollbacks, removeAbandoned } from './rollback.ts';
import { openGrpo } from './setup.ts';
import { signatureWatcher } from './signature-watcher.ts';

export type { GrpoOptions, GrpoResult } from './grpo-loop.ts';

export async function grpo(gpu: Gpu, asked: GrpoConfig, options: GrpoOptions): Promise<GrpoResult> {
  const config = { ...asked, precision: resolvePrecision(gpu, asked.precision) };
  // Rollbacks and what watches for failures say when to change a run, not what it computes until then.
  const configFingerprint = fingerprint({ ...config, rollback: undefined, signatures: undefined });
  const done = finishedResult(config.out, fingerprint(config));
  if (done) {
    options.emit({ kind: 'message', level: 'info', text: `GRPO: already done in ${config.out}` });
    return done;
  }
  for (;;) {
    const result = await attempt(gpu, config, configFingerprint, options);
    if (result !== 'rolled back') return result;
  }
}

/** From the last checkpoint to the end, or to a rollback. */
async function attempt(
  gpu: Gpu,
  config: GrpoConfig,
  configFingerprint: string,
  options: GrpoOptions,
): Promise<GrpoResult | 'rolled back'> {
  const held = new AsyncDisposableStack();
  try {
    const rollbacks = readRollbacks(config.out, configFingerprint);
    await removeAbandoned(config.out, rollbacks);
    const { found, damaged } = await newestValid(config.out);
    for (const { folder, why } of damaged)
      options.emit({ kind: 'message', level: 'warn', text: `${folder} is passed over: ${why}` });
    const changed = changedConfig(
      config,
      rollbacks.map(({ change }) => change),
    );
    const setup = await openGrpo(gpu, changed, { found, configFingerprint }, held);
    const loop = new GrpoLoop(
      setup,
      { config, configFingerprint, rollbacks, checkpoint: found?.folder },
      { watch: () => signatureWatcher(config.signatures), ...options },
    );
    held.defer(() => loop.close());
    try {
      return await loop.run();
    } catch (error) {
      if (!options.signal.aborted) {
        loop.finish('failed', { error: messageOf(error) });
        throw error;
      }
      await loop.saveWhatIsNew();
      loop.finish('interrupted', {});
      throw new InterruptedError(
        `stopped at step ${loop.step} of ${config.steps}; the same command goes on from there`,
      );
    }
  } finally {
    await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
    await held.disposeAsync();
  }
}

/** The result of a run that ended well with this very config, so that giving the command again does nothing. */
function finishedResult(runFolder: string, configFingerprint: string): GrpoResult | undefined {
  if (listCheckpoints(runFolder).length === 0 || !existsSync(path.join(runFolder, 'run.json')))
    return undefined;
  const { status, fingerprint: found, summary } = readRecord(runFolder);
  if (status !== 'done' || found !== configFingerprint) return undefined;
  const { startAccuracy, endAccuracy, change, interval, checkpoint } = summary as unknown as GrpoResult;
  return { runFolder, checkpoint, startAccuracy, endAccuracy, change, interval };
}
