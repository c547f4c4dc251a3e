/** A device that is opened when it is first asked for, and closed once at the end: a grid whose steps need none never waits for it. */
import type { Gpu } from '../../trainer/gpu/device.ts';

export interface LazyGpu {
  open: () => Promise<Gpu>;
  /** Name of the adapter, once it was opened. */
  adapter: () => string | undefined;
  close: () => Promise<void>;
}

export function lazyGpu(): LazyGpu {
  let opening: Promise<Gpu> | undefined;
  let opened: Gpu | undefined;
  return {
    open() {
      opening ??= import('../../trainer/gpu/device.ts').then(async ({ openDevice }) => {
        opened = await openDevice();
        return opened;
      });
      return opening;
    },
    adapter: () => opened?.info.name,
    async close() {
      await opening?.catch(() => {}); // whoever asked for it was told
      await opened?.close();
    },
  };
}
