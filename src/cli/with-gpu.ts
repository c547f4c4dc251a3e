/** Opens the device for a command and closes it however the command ends. */
import type { Gpu } from '../../trainer/gpu/device.ts';

export async function withGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  const { openDevice } = await import('../../trainer/gpu/device.ts');
  const gpu = await openDevice();
  try {
    return await work(gpu);
  } finally {
    await gpu.close();
  }
}
