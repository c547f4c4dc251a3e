/** Going on with a run: what may differ, what is refused and how, what is recorded; and damaged checkpoints. */
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { listCheckpoints, readTrainingState } from '../../trainer/learner/checkpoint.ts';
import { allowedBy, configChanges, phaseSettings } from '../../trainer/training/config-changes.ts';
import type { TrainConfig } from '../../trainer/training/train-config.ts';
import {
  hashOf,
  type TrainingWorld,
  trainingWorld,
  trainStable,
  trainUntil,
  writeManifest,
} from './training-world.ts';

let gpu: Gpu;
let world: TrainingWorld;
beforeAll(async () => {
  gpu = await openDevice();
  world = await trainingWorld('resume');
});
afterAll(async () => {
  await gpu.close();
  world.remove();
});

async function refusalOf(config: TrainConfig, allowChanges: string[] = []): Promise<UserError> {
  const error = await trainStable(gpu, config, { allowChanges }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe('a config that differs from the run that goes on', () => {
  it('names every key with both values and the flag that lets it pass; allowed, it is recorded in run.json and the checkpoint', async () => {
    await trainUntil(gpu, world.config('changed'), 2, { runAhead: 0 });
    const optimizer = { weight_decay: 0.3, max_grad_norm: 2 };
    const other = world.config('changed', { optimizer });
    const { message, hint } = await refusalOf(other);
    expect(message).toMatch(/other config/);
    expect(message).toContain('optimizer.weight_decay: 0.1 -> 0.3');
    expect(message).toContain('optimizer.max_grad_norm: 1 -> 2');
    expect(hint).toContain('--allow-changes optimizer.max_grad_norm,optimizer.weight_decay');
    const half = await refusalOf(other, ['optimizer.weight_decay']);
    expect(half.message).not.toContain('weight_decay');
    expect(half.hint).toContain('--allow-changes optimizer.weight_decay,optimizer.max_grad_norm');
    const { result, messages } = await trainStable(gpu, other, { allowChanges: ['optimizer'] });
    expect(messages.join('\n')).toContain(
      'changed under way: optimizer.weight_decay: 0.1 -> 0.3, from step 2',
    );
    const changes = [
      { step: 2, key: 'optimizer.max_grad_norm', from: 1, to: 2 },
      { step: 2, key: 'optimizer.weight_decay', from: 0.1, to: 0.3 },
    ];
    expect((await readTrainingState(result.checkpoint)).changes).toEqual(changes);
    const { record } = readRun(result.runFolder);
    expect(record.summary.changes).toEqual(changes);
    expect(record.warnings.join('\n')).toContain('optimizer.weight_decay');
    // From now on that is the run's config: the same command needs no flag, and the old config would be a change.
    expect((await trainStable(gpu, other)).messages.join('\n')).toContain('already done');
    expect((await refusalOf(world.config('changed'))).message).toContain('weight_decay: 0.3 -> 0.1');
  });

  it('refuses what was decided at the start, even when told to allow all', async () => {
    await trainUntil(gpu, world.config('started'), 2);
    const { message, hint } = await refusalOf(world.config('started', { seed: 5, z_loss: 0.1 }), ['all']);
    expect(message).toContain('seed: 0 -> 5 (decided when the run began)');
    expect(message).not.toContain('z_loss');
    expect(hint).toMatch(/set seed back/);
  });

  it('lets pass what leads to the same bits: intervals, places, and more steps at a constant rate', async () => {
    const whole = world.config('whole', { stable: { steps: 10, learning_rate: 0.01, warmup_steps: 2 } });
    const expected = await trainStable(gpu, whole);
    const short = world.config('longer', { stable: { steps: 6, learning_rate: 0.01, warmup_steps: 2 } });
    await trainStable(gpu, short);
    cpSync(path.join(world.root, 'data'), path.join(world.root, 'moved'), { recursive: true });
    const longer = world.config('longer', {
      stable: { steps: 10, learning_rate: 0.01, warmup_steps: 2 },
      data: path.join(world.root, 'moved'),
      checkpoint_every: 7,
      keep_checkpoints: 5,
    });
    const { result, messages } = await trainStable(gpu, longer);
    expect(messages.join('\n')).toContain('phase.steps: 6 -> 10, from step 6 on');
    expect(hashOf(result.checkpoint)).toEqual(hashOf(expected.result.checkpoint));
    const fewer = world.config('longer', { stable: { steps: 4, learning_rate: 0.01, warmup_steps: 2 } });
    expect((await refusalOf(fewer)).message).toMatch(/has done 10 steps, more than the 4/);
  });

  it('judges a schedule by the rates of the steps done', () => {
    const decay = (steps: number) =>
      phaseSettings(
        world.config('x'),
        { learning_rate: 0.01, warmup_steps: 2, decay: 'cosine', min_lr_ratio: 0.1, steps, evidence: 'own' },
        undefined,
      );
    const effects = (done: number) =>
      configChanges(decay(6), decay(8), done).map(({ key, effect }) => [key, effect]);
    // A longer cosine is lower nowhere but in the warm-up's steps and the peak's.
    expect(effects(2)).toEqual([['phase.steps', 'harmless']]);
    expect(effects(3)).toEqual([['phase.steps', 'harmless']]);
    expect(effects(4)).toEqual([['phase.steps', 'course']]);
  });

  it('knows the words that may be allowed', () => {
    expect(() => allowedBy(['optimiser'])).toThrow(/no key of a training config/);
    const allowed = allowedBy(['optimizer', 'phase.decay']);
    expect(['optimizer.adam_beta1', 'phase.decay', 'phase.steps', 'data'].map(allowed)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('other data', () => {
  it('is refused, and read from its beginning when allowed', async () => {
    const folder = path.join(world.root, 'mixture');
    cpSync(path.join(world.root, 'data'), folder, { recursive: true });
    const config = world.config('other-data', { data: folder });
    await trainUntil(gpu, config, 4, { runAhead: 0 });
    writeManifest(folder, 'two', 32);
    const { message, hint } = await refusalOf(config);
    expect(message).toMatch(/other data:\n {2}- data: "content \w+" -> "content \w+"$/);
    expect(hint).toContain('--allow-changes data goes on from step 4');
    const { result, messages } = await trainStable(gpu, config, { allowChanges: ['data'] });
    expect(messages).toContain('the data is another than before: it is read from its beginning');
    const state = await readTrainingState(result.checkpoint);
    expect(state.data.sequence).toBe((8 - 4) * 4);
    expect(state.data.consumed).toEqual({ train: 8 * 4 * 32 });
  });

  it('of the same tokens in longer sequences goes on behind the last token read', async () => {
    await trainUntil(gpu, world.config('lengthened'), 4, { runAhead: 0 });
    const longer = world.config('lengthened', { sequence_length: 64 });
    const { message } = await refusalOf(longer);
    expect(message).toContain('sequence_length: 32 -> 64');
    expect(message).toContain('data: "content');
    const { result } = await trainStable(gpu, longer, { allowChanges: ['sequence_length', 'data'] });
    const state = await readTrainingState(result.checkpoint);
    expect(state.data.sequence).toBe(Math.ceil((16 * 33) / 65) + 4 * 4);
  });
});

describe('a damaged checkpoint', () => {
  const damages: Record<string, (folder: string) => void> = {
    'a flipped byte in the weights': (folder) => {
      const file = path.join(folder, 'model.safetensors');
      const bytes = readFileSync(file);
      bytes[bytes.length - 9]! ^= 1;
      writeFileSync(file, bytes);
    },
    'moments cut short': (folder) => truncateSync(path.join(folder, 'state/moments.safetensors'), 100),
    'a missing state': (folder) => rmSync(path.join(folder, 'state/trainer.json')),
    'a marker that is not one': (folder) => writeFileSync(path.join(folder, 'state/complete.json'), '{'),
    'no marker': (folder) => rmSync(path.join(folder, 'state/complete.json')),
  };

  it.each(Object.keys(damages))(
    'with %s is passed over for the one before, and the run ends with the same bits',
    async (damage) => {
      const config = world.config(`damaged-${damage.replaceAll(' ', '-')}`);
      await trainUntil(gpu, config, 6, { runAhead: 0 });
      const runFolder = path.join(config.out, 'stable');
      const newest = listCheckpoints(runFolder).at(-1)!;
      expect(path.basename(newest)).toBe('step-0000006');
      damages[damage]!(newest);
      const { result, messages } = await trainStable(gpu, config);
      const said = messages.join('\n');
      expect(said).toContain('going on from step 4');
      if (damage !== 'no marker') expect(said).toMatch(/step-0000006 is damaged and is passed over/);
      const expected = (await trainStable(gpu, world.config('undamaged'))).result;
      expect(hashOf(result.checkpoint)).toEqual(hashOf(expected.checkpoint));
      expect(listCheckpoints(runFolder).map((folder) => path.basename(folder))).toEqual([
        'step-0000004',
        'step-0000006',
        'step-0000008',
      ]);
      await readTrainingState(newest); // written again, whole
    },
  );

  it('that is the only one makes the run begin again; the last of a finished run is trained again', async () => {
    const config = world.config('only');
    await trainUntil(gpu, config, 2, { runAhead: 0 });
    const runFolder = path.join(config.out, 'stable');
    damages['moments cut short']!(listCheckpoints(runFolder)[0]!);
    const { result, messages } = await trainStable(gpu, config);
    expect(messages.join('\n')).toContain('no valid checkpoint: the phase begins again');
    const hashes = hashOf(result.checkpoint);
    damages['a flipped byte in the weights']!(result.checkpoint);
    const again = await trainStable(gpu, config);
    expect(again.messages.join('\n')).toContain('going on from step 6');
    expect(hashOf(again.result.checkpoint)).toEqual(hashes);
  });

  it('removes what a kill left of older checkpoints, and keeps every multiple it was told to keep', async () => {
    const config = world.config('retention', {
      stable: { steps: 9, learning_rate: 0.01 },
      checkpoint_every: 1,
      keep_checkpoints: 1,
      keep_every: 4,
    });
    await trainUntil(gpu, config, 2, { runAhead: 0 });
    const runFolder = path.join(config.out, 'stable');
    const [first] = listCheckpoints(runFolder);
    rmSync(path.join(first!, 'state/complete.json'));
    const { result } = await trainStable(gpu, config);
    expect(existsSync(first!)).toBe(false);
    expect(listCheckpoints(result.runFolder).map((folder) => path.basename(folder))).toEqual(
      [4, 8, 9].map((step) => `step-000000${step}`),
    );
  });
});
