/** Clean-ups run once, newest first, and one that fails or hangs does not keep the others from running. */
import { afterEach, expect, test } from 'vitest';
import { atExit, runCleanups, runCleanupsNow } from '../../src/core/cleanup.ts';

afterEach(() => runCleanupsNow());

test('runs clean-ups newest first, waiting for each', async () => {
  const order: string[] = [];
  atExit(() => void order.push('device'));
  atExit(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push('workers');
  });
  expect(await runCleanups()).toEqual([]);
  expect(order).toEqual(['workers', 'device']);
});

test('runs each clean-up once, and none that was taken back', async () => {
  const order: string[] = [];
  const takeBack = atExit(() => void order.push('closed already'));
  atExit(() => void order.push('open'));
  takeBack();
  await runCleanups();
  await runCleanups();
  expect(order).toEqual(['open']);
});

test('registering the same function twice runs it twice, and takes one back at a time', async () => {
  let times = 0;
  const close = (): void => void times++;
  atExit(close);
  const takeBack = atExit(close);
  takeBack();
  await runCleanups();
  expect(times).toBe(1);
});

test('goes on after a clean-up that throws or hangs, and returns what went wrong', async () => {
  const order: string[] = [];
  atExit(() => void order.push('last'));
  atExit(() => new Promise<void>(() => {}));
  atExit(() => {
    throw new Error('cannot close');
  });
  const problems = await runCleanups(20);
  expect(order).toEqual(['last']);
  expect(problems.map(String)).toEqual(['Error: cannot close', 'Error: a clean-up took longer than 20 ms']);
});

test('without waiting, starts every clean-up and swallows what fails', () => {
  const order: string[] = [];
  atExit(async () => void order.push('first part'));
  atExit(async () => {
    throw new Error('late');
  });
  atExit(() => {
    throw new Error('early');
  });
  runCleanupsNow();
  expect(order).toEqual(['first part']);
});
