/**
 * GRPO (Shao et al. 2024) as the paper runs it: roll out, score, normalise within groups, clipped updates, evaluate. A function of config and
 * start model; the same call goes on from the newest valid checkpoint bit for bit, because every draw comes from (seed, step, problem,
 * sample), the length from the step or the checkpoint, and what a watcher remembers is in the checkpoint too. A rollback (rollback.ts) is such a
 * resume with one more change on record, which is why the whole run is opened again for it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { InterruptedError, messageOf } from '../../src/core/errors.ts';
import { readRecord } from '../../src/io/run-record.ts';
import type { Gpu } from '../gpu/device.ts';
import { DeviceLostError } from '../gpu/gpu-errors.ts';
import { listCheckpoints, newestValid, type TrainingState } from '../learner/checkpoint.ts';
import { resolvePrecision } from '../model/precision.ts';
import { readProblems } from '../problem-sets/problems.ts';
import { answersFor } from '../rewards/index.ts';
import { changeText } from '../training/config-changes.ts';
import type { GrpoConfig } from './config.ts';
import { explainGrpoTrouble } from './explain-grpo-trouble.ts';
import { GrpoLoop, type GrpoOptions, type GrpoResult } from './grpo-loop.ts';
import { courseOf, type GrpoSettings, grpoSettings, resumeState } from './resume.ts';
import { changedConfig, readRollbacks, removeAbandoned } from './rollback.ts';
import { openGrpo } from './setup.ts';
import { signatureWatcher } from './signature-watcher.ts';

export type { GrpoOptions, GrpoResult } from './grpo-loop.ts';

export async function grpo(gpu: Gpu, asked: GrpoConfig, options: GrpoOptions): Promise<GrpoResult> {
  const folder = options.folder ?? process.cwd();
  const settings = grpoSettings({ ...asked, precision: resolvePrecision(gpu, asked.precision) }, folder);
  const done = finishedResult(asked.out, settings);
  if (done) {
    options.emit({ kind: 'message', level: 'info', text: `GRPO: already done in ${asked.out}` });
    return done;
  }
  for (;;) {
    const result = await attempt(gpu, settings, { ...options, folder });
    if (result !== 'rolled back') return result;
  }
}

/** From the newest valid checkpoint to the end, or to a rollback. */
async function attempt(
  gpu: Gpu,
  settings: GrpoSettings,
  options: GrpoOptions & { folder: string },
): Promise<GrpoResult | 'rolled back'> {
  const { emit, folder } = options;
  const { reward_modules: _modules, ...config } = settings;
  const say = (level: 'info' | 'warn') => (text: string) => emit({ kind: 'message', level, text });
  const held = new AsyncDisposableStack();
  let opened: GrpoLoop | undefined;
  try {
    const problems = await readProblems(config.problems, { use: 'train', answers: answersFor(config) });
    const origin = await findOrigin(settings, fingerprint(problems), options);
    const changed = changedConfig(
      config,
      origin.rollbacks.map(({ change }) => change),
    );
    const { checkpoint, state, rollbacks } = origin;
    const setup = await openGrpo(
      gpu,
      changed,
      { problems, checkpoint, state, folder, warn: say('warn') },
      held,
    );
    const { configFingerprint } = state;
    const loop = new GrpoLoop(
      setup,
      { config, configFingerprint, rollbacks, checkpoint },
      { watch: () => signatureWatcher(config.signatures), ...options },
    );
    opened = loop;
    held.defer(() => loop.close());
    try {
      return await loop.run();
    } catch (error) {
      if (!options.signal.aborted) {
        const failure = error instanceof DeviceLostError ? { failure: 'device lost' } : {};
        loop.finish('failed', { error: messageOf(error), ...failure });
        throw error;
      }
      await loop.saveWhatIsNew();
      loop.finish('interrupted', {});
      throw new InterruptedError(
        `stopped at step ${loop.step} of ${config.steps}; the same command goes on from there`,
      );
    }
  } catch (error) {
    throw await explainGrpoTrouble(error, config, folder, opened?.step);
  } finally {
    await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
    await held.disposeAsync();
  }
}

interface Origin {
  checkpoint: string | undefined;
  state: TrainingState;
  rollbacks: ReturnType<typeof readRollbacks>;
}

/** Where a run begins or goes on, its config held against the one it was made with. */
async function findOrigin(
  settings: GrpoSettings,
  dataFingerprint: string,
  { emit, allowChanges = [] }: GrpoOptions,
): Promise<Origin> {
  const { out } = settings;
  const before = (await newestValid(out)).found?.state.configFingerprint;
  const course = courseOf(settings);
  const rollbacks = readRollbacks(out, before === undefined ? [course] : [course, before]);
  await removeAbandoned(out, rollbacks);
  const { found, damaged } = await newestValid(out);
  for (const { folder, why } of damaged)
    emit({ kind: 'message', level: 'warn', text: `${folder} is passed over: ${why}` });
  if (found === undefined) {
    const state: TrainingState = {
      phase: 'grpo',
      step: 0,
      optimizerSteps: 0,
      tokens: 0,
      data: { fingerprint: dataFingerprint, sequence: 0 },
      config: settings,
      configFingerprint: course,
      parent: settings.model,
    };
    return { checkpoint: undefined, state, rollbacks };
  }
  const { state, changes } = resumeState(out, found.state, settings, dataFingerprint, allowChanges);
  for (const change of changes) {
    const text = `${changeText(change)}, from step ${state.step} on`;
    if (change.effect === 'harmless') emit({ kind: 'message', level: 'info', text });
    else emit({ kind: 'message', level: 'warn', text: `changed under way: ${text}` });
  }
  return { checkpoint: found.folder, state, rollbacks };
}

/** The result of a run that ended well with these very settings, so that giving the command again does nothing. */
function finishedResult(runFolder: string, settings: GrpoSettings): GrpoResult | undefined {
  if (listCheckpoints(runFolder).length === 0 || !existsSync(path.join(runFolder, 'run.json')))
    return undefined;
  const { status, fingerprint: found, summary } = readRecord(runFolder);
  const { reward_modules: _modules, ...config } = settings;
  if (status !== 'done' || found !== fingerprint(config)) return undefined;
  const { startAccuracy, endAccuracy, change, interval, checkpoint } = summary as unknown as GrpoResult;
  return { runFolder, checkpoint, startAccuracy, endAccuracy, change, interval };
}
