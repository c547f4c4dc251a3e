/** Numbers as people read them. */
import { expect, test } from 'vitest';
import {
  amountOf,
  bytesOf,
  compact,
  countOf,
  durationOf,
  figure,
  rateOf,
  tookOf,
} from '../../src/tui/figures.ts';

test('a figure has at most four digits and keeps its trailing zeros', () => {
  const shown = [
    0, 1, -3, 9999, 2.31456, 0.8, 12.5, 999.96, 1234.56, 0.0312, 0.0003, -0.00042, 12_345, 4.56e6, 1e30,
  ];
  expect(shown.map(figure)).toEqual([
    ...['0', '1', '-3', '9,999', '2.315', '0.800', '12.50', '1000', '1,235', '0.0312', '3.0e-4', '-4.2e-4'],
    ...['12.3k', '4.56M', '1.0e+30'],
  ]);
});

test('a figure that is not a number says so', () => {
  expect([Number.NaN, Infinity, -Infinity].map(figure)).toEqual(['NaN', 'inf', '-inf']);
});

test('counts are written in full up to a million', () => {
  expect([0, 999_999, 1_000_000, 12_345_678].map((n) => countOf(n, 'documents'))).toEqual([
    '0',
    '999,999',
    '1.00M',
    '12.3M',
  ]);
});

test('rounding never shows a thousand of a smaller unit', () => {
  expect([999.4, 999.6, 999_499, 999_500].map(compact)).toEqual(['999', '1.00k', '999k', '1.00M']);
});

test('bytes carry their unit', () => {
  expect([12, 1500, 2.5e9].map(bytesOf)).toEqual(['12 B', '1.50 kB', '2.50 GB']);
});

test('durations grow from minutes to days', () => {
  expect([0, 7.4, 59.6, 760, 11_109, 187_800].map(durationOf)).toEqual([
    ...['0:00', '0:07', '1:00', '12:40', '3:05:09', '2d 04:10'],
  ]);
  expect([0.44, 9.94, 9.96].map(tookOf)).toEqual(['0.4 s', '9.9 s', '0:10']);
});

test('slow work is shown as time for one, fast work as amount for a second', () => {
  expect(rateOf(312.4, 'documents')).toBe('312 documents/s');
  expect(rateOf(0.25, 'steps')).toBe('4 s/step');
  expect(rateOf(0.03, 'queries')).toBe('33.3 s/query');
  expect(rateOf(12_480, 'tokens')).toBe('12.5k tokens/s');
  expect(rateOf(2.5e6, 'bytes')).toBe('2.50 MB/s');
  expect(rateOf(0, 'steps')).toBe('0 steps/s');
});

test('a unit given in the singular is put in the plural', () => {
  expect([amountOf(3, 'step'), amountOf(2, 'query'), amountOf(2, 'key'), rateOf(20, 'step')]).toEqual([
    ...['3 steps', '2 queries', '2 keys', '20 steps/s'],
  ]);
});

test('one of something is singular', () => {
  expect([
    amountOf(1, 'documents'),
    amountOf(1, 'queries'),
    amountOf(1, 'loss'),
    amountOf(2, 'documents'),
  ]).toEqual([...['1 document', '1 query', '1 loss', '2 documents']]);
});
