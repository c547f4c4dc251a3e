/** Figures carry their formula and reasons; amounts of bytes keep GB and GiB apart. */
import { describe, expect, test } from 'vitest';
import { Assumptions } from '../../src/cluster-plan/assumption.ts';
import { parseBytes, showBytes, showMemory } from '../../src/cluster-plan/byte-size.ts';
import {
  computed,
  given,
  largest,
  nothing,
  partsOf,
  product,
  resting,
  roundedUp,
  sum,
} from '../../src/cluster-plan/figure.ts';

const three = given('three', 3, 'apples', 'a');
const four = given('four', 4, '', 'b');

test('a product names its terms, and rests on all that they rest on', () => {
  const figure = product('x', 'apples', [three, four], [given('two', 2, '', 'a')]);
  expect(figure).toEqual({
    name: 'x',
    value: 6,
    unit: 'apples',
    formula: 'three (3) x four (4) / two (2)',
    because: ['a', 'b'],
  });
  expect(partsOf(figure)).toHaveLength(3);
  expect(Object.keys(figure)).not.toContain('parts');
});

test('sums leave nothing out but nothing', () => {
  expect(sum('x', '', [three, nothing, four])).toMatchObject({ value: 7, formula: 'three (3) + four (4)' });
  expect(sum('x', '', [nothing])).toMatchObject({ value: 0, formula: '0' });
});

test('the largest, the next whole number, and a value of a function', () => {
  expect(largest('x', '', [three, four])).toMatchObject({
    value: 4,
    formula: 'largest of three (3), four (4)',
  });
  expect(roundedUp('x', '', given('y', 2.1, '')).value).toBe(3);
  expect(roundedUp('x', '', given('y', 3 + 1e-12, '')).value).toBe(3);
  expect(computed('x', '', 5, 'by f', [three], 'c').because).toEqual(['a', 'c']);
});

test('a figure with one more reason still knows its parts', () => {
  const figure = resting(sum('x', '', [three, four]), 'z');
  expect(figure.because).toEqual(['a', 'b', 'z']);
  expect(partsOf(figure)).toEqual([three, four]);
});

test('an assumption is listed once, and one id cannot mean two things', () => {
  const list = new Assumptions();
  const one = { id: 'a', text: 'one', source: 's', evidence: 'own' as const };
  expect([list.add(one), list.add(one)]).toEqual(['a', 'a']);
  expect(list.list).toEqual([one]);
  expect(() => list.add({ ...one, text: 'two' })).toThrow('one assumption a');
});

describe('bytes', () => {
  test.each([
    ['80 GB', 80e9],
    ['80GiB', 80 * 2 ** 30],
    ['1.5 TB', 1.5e12],
    ['512 kB', 512e3],
    ['512 KiB', 524_288],
    ['3 MiB', 3 * 2 ** 20],
    ['7 B', 7],
    ['2 PiB', 2 * 2 ** 50],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each(['80', '80 gb', '80 Gb', '80 kb', '-1 GB', 'GB', '', '1e3 GB', '1,5 GB', '80 GBs'])(
    '"%s" is no amount',
    (text) => expect(parseBytes(text)).toBeUndefined(),
  );

  test('are shown in powers of a thousand, memory in powers of 1,024', () => {
    expect([0, 999, 999.6, 1e9, 999.7e9, 1.2345e13].map(showBytes)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '1 GB',
      '1 TB',
      '12.3 TB',
    ]);
    expect([512, 2 ** 30, 80e9, 1023.9 * 2 ** 20].map(showMemory)).toEqual([
      '512 B',
      '1 GiB',
      '74.5 GiB',
      '1 GiB',
    ]);
  });
});
