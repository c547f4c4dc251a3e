/** Measuring an adapter: a plausible speed in bounded time, from work that was really done. (What is said where there is none: test/cli/devices.test.ts.) */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { measureSpeed } from '../../trainer/gpu/measure-speed.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

describe('measureSpeed', () => {
  test('times products that were done, in bounded time', async () => {
    const start = performance.now();
    const cpu = process.cpuUsage();
    const speed = await measureSpeed(gpu, { seconds: 0.4 });
    const seconds = (performance.now() - start) / 1000;
    // Twice the time, and what a busy machine adds.
    expect(seconds).toBeLessThan(20);
    expect(speed.samples).toBeGreaterThanOrEqual(3);
    expect(speed.shape.m).toBe(speed.shape.k);
    expect(speed.adapter).toBe(gpu.info.name);
    // Between a slow software adapter on a busy core and the fastest chip.
    expect(speed.flopsPerSecond).toBeGreaterThan(1e7);
    expect(speed.flopsPerSecond).toBeLessThan(1e15);
    if (!speed.software) return;
    // A software adapter cannot do more than its processor time allows: 64 operations a cycle at 5 GHz. Work that is only
    // submitted and not waited for would seem faster.
    const { user, system } = process.cpuUsage(cpu);
    const done = speed.flopsPerSecond * 0.4;
    expect(done).toBeLessThan(((user + system) / 1e6) * 5e9 * 64);
    expect((user + system) / 1e6).toBeGreaterThan(0.05);
  });

  test('waits for the queue before it stops the clock', async () => {
    let [open, waits] = [0, 0];
    const queue = new Proxy(gpu.device.queue, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...values: unknown[]): unknown => {
          if (name === 'submit') open++;
          return Reflect.apply(value, target, values) as unknown;
        };
      },
    });
    const device = new Proxy(gpu.device, {
      get: (target, name) => {
        if (name === 'queue') return queue;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const sync = async (): Promise<void> => {
      expect(open).toBe(1);
      open = 0;
      waits++;
      await gpu.sync();
    };
    await measureSpeed({ ...gpu, device, sync }, { seconds: 0.1 });
    expect(open).toBe(0);
    expect(waits).toBeGreaterThan(5);
  });

  test('stops when told to', async () => {
    await expect(measureSpeed(gpu, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
