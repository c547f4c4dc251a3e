/** The worker pool: every task gets an outcome, whatever its worker does. */
import { afterEach, describe, expect, it } from 'vitest';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import { LocalPool, type PoolOutcome } from '../../src/stages/local-pool.ts';

const pools: LocalPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function makePool(
  options: {
    workers?: number;
    stallSeconds?: number;
    memoryMegabytes?: number;
    signal?: AbortSignal;
    drain?: AbortSignal;
  } = {},
): LocalPool {
  const pool = new LocalPool({
    entry: new URL('./pool-worker.ts', import.meta.url),
    workers: 1,
    stallSeconds: 30,
    memoryMegabytes: 256,
    signal: new AbortController().signal,
    ...options,
  });
  pools.push(pool);
  return pool;
}

async function outcomes(
  pool: LocalPool,
  payloads: Record<string, unknown>,
): Promise<Record<string, PoolOutcome>> {
  const found: Record<string, PoolOutcome> = {};
  const tasks = Object.entries(payloads).map(([id, payload]) => ({ id, payload }));
  await pool.run(tasks, async (task, outcome) => {
    found[task.id] = outcome;
  });
  return found;
}

describe('LocalPool', () => {
  it('runs all tasks on several workers', async () => {
    const payloads = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`t${i}`, { documents: i }]));
    const found = await outcomes(makePool({ workers: 3 }), payloads);
    for (let i = 0; i < 7; i++)
      expect(found[`t${i}`]).toEqual({ ok: true, value: { documents: i, skipped: [] }, attempts: 1 });
  });

  it('sets a document aside that hangs twice, and finishes the unit without it', async () => {
    const found = await outcomes(makePool({ stallSeconds: 0.8 }), {
      a: { documents: 4, hangAt: 2 },
      b: { documents: 2 },
    });
    expect(found.a).toEqual({ ok: true, value: { documents: 4, skipped: [2] }, attempts: 3 });
    expect(found.b).toMatchObject({ ok: true, attempts: 1 });
  });

  it('sets a document aside that brings the worker down or over its memory', async () => {
    const found = await outcomes(makePool({ memoryMegabytes: 40 }), {
      crash: { documents: 3, crashAt: 0 },
      grow: { documents: 3, growAt: 1 },
    });
    expect(found.crash).toMatchObject({ ok: true, value: { skipped: [0] } });
    expect(found.grow).toMatchObject({ ok: true, value: { skipped: [1] } });
  });

  it('gives a unit up that dies outside a document, after one retry, and goes on', async () => {
    const found = await outcomes(makePool(), { bad: { dieOutside: true }, good: {} });
    expect(found.bad).toEqual({
      ok: false,
      problem: 'the worker ended by itself (exit code 3) (tried 2 times)',
      mendable: true,
      attempts: 2,
    });
    expect(found.good).toMatchObject({ ok: true });
  });

  it('tries an error once more and then reports it', async () => {
    const found = await outcomes(makePool(), { bad: { throws: 'odd' }, good: {} });
    expect(found.bad).toMatchObject({ ok: false, mendable: false, attempts: 2 });
    expect((found.bad as { problem: string }).problem).toContain('odd');
  });

  it('stops the whole job when the disk is full', async () => {
    const run = outcomes(makePool(), { bad: { throws: 'full' }, good: {} });
    await expect(run).rejects.toBeInstanceOf(UserError);
    await expect(run).rejects.toMatchObject({ hint: expect.stringContaining('free some space') });
  });

  it('ends on abort even when a worker hangs', async () => {
    const controller = new AbortController();
    const pool = makePool({ signal: controller.signal });
    setTimeout(() => controller.abort(), 600);
    await expect(outcomes(pool, { a: { documents: 3, hangAt: 1 } })).rejects.toBeInstanceOf(InterruptedError);
  });

  it('drained, finishes what is in hand and begins no more', async () => {
    const controller = new AbortController();
    const pool = makePool({ workers: 2, drain: controller.signal });
    const tasks = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, payload: { documents: 2 } }));
    const found: string[] = [];
    await pool.run(tasks, async ({ id }, outcome) => {
      expect(outcome).toMatchObject({ ok: true, value: { documents: 2 } });
      found.push(id);
      controller.abort();
    });
    expect(found.sort()).toEqual(['a', 'b']); // both were in hand when the first ended
    await pool.run(tasks, async ({ id }) => void found.push(id));
    expect(found).toHaveLength(2);
  });

  it('drained while it waits for a task, begins none that comes', async () => {
    const controller = new AbortController();
    const pool = makePool({ drain: controller.signal });
    const found: string[] = [];
    let asked = 0;
    const next = async (stopped: AbortSignal) => {
      if (asked++ === 0) return { id: 'first', payload: {} };
      const told = new Promise((resolve) => stopped.addEventListener('abort', resolve));
      controller.abort();
      await told;
      return { id: 'late', payload: {} };
    };
    await pool.run(next, async ({ id }) => void found.push(id));
    expect([found, asked]).toEqual([['first'], 2]);
  });
});
