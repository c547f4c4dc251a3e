/** Measures the speed of this machine's adapter in a process of its own and sends it to the designer (design-speed.ts). */

import { openDevice } from '../../trainer/gpu/device.ts';
import { measuredUtilisation, measureSpeed } from '../../trainer/gpu/measure-speed.ts';
import { runCleanups } from '../core/cleanup.ts';
import { messageOf, UserError } from '../core/errors.ts';
import type { SpeedAnswer } from './design-speed.ts';

async function measure(): Promise<SpeedAnswer> {
  try {
    const gpu = await openDevice();
    try {
      const { flopsPerSecond, adapter } = await measureSpeed(gpu);
      return { kind: 'speed', flopsPerSecond, adapter, utilisation: measuredUtilisation };
    } finally {
      await gpu.close();
    }
  } catch (error) {
    return {
      kind: 'failed',
      message: messageOf(error),
      hint: error instanceof UserError ? error.hint : undefined,
    };
  }
}

const answer = await measure();
await runCleanups();
process.send?.(answer, () => process.disconnect?.());
