/** Whose turn it is. */
import { expect, it } from 'vitest';
import { Turns } from '../../src/serve/turns.ts';

it('lets requests take turns, and keeps the order within each', () => {
  const turns = new Turns<string>();
  const [a, b, c] = [{}, {}, {}];
  for (const item of ['a1', 'a2', 'a3', 'a4']) turns.push(a, item);
  for (const item of ['b1', 'b2']) turns.push(b, item);
  const drawn = [turns.next(), turns.next()];
  turns.push(c, 'c1');
  expect(turns.size).toBe(5);
  while (turns.size > 0) drawn.push(turns.next());
  expect(drawn).toEqual(['a1', 'b1', 'a2', 'b2', 'c1', 'a3', 'a4']);
  expect(turns.next()).toBeUndefined();
});

it('forgets what is taken out', () => {
  const turns = new Turns<string>();
  const [a, b] = [{}, {}];
  turns.push(a, 'a1');
  turns.push(a, 'a2');
  turns.push(b, 'b1');
  expect([turns.remove(a, 'a1'), turns.remove(a, 'a1'), turns.remove({}, 'a2')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(turns.remove(a, 'a2')).toBe(true);
  expect([turns.size, turns.next(), turns.size]).toEqual([1, 'b1', 0]);
});
