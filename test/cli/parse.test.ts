/** Flag values: what is accepted, and what the refusals say. */
import { describe, expect, test } from 'vitest';
import type { OptionParser } from '../../src/cli/command.ts';
import {
  assignmentsValue,
  choiceValue,
  integerValue,
  listValue,
  numberValue,
  shareValue,
} from '../../src/cli/parse.ts';
import { UserError } from '../../src/core/errors.ts';

/** What a parser makes of a value, or the error and hint it answers with. */
function read(parse: OptionParser, value: string, previous?: unknown): unknown {
  try {
    return parse(value, '--flag', previous);
  } catch (error) {
    if (error instanceof UserError) return `${error.message} / ${error.hint}`;
    throw error;
  }
}

describe('a number', () => {
  test('is read in every usual spelling', () => {
    const spellings = ['0.3', '.5', '3.', '-2', '+4', '1e-3', ' 7 '];
    expect(spellings.map((v) => read(numberValue(), v))).toEqual([0.3, 0.5, 3, -2, 4, 0.001, 7]);
  });

  test('refuses what is not one, rather than reading its beginning', () => {
    for (const value of ['0.3x', 'abc', '', '0x10', 'NaN', 'Infinity', '1,5', '1e999', '--other']) {
      expect(read(numberValue(), value)).toBe(
        `--flag ${value === '' ? '""' : value}: expected a number / for example --flag 0.1`,
      );
    }
  });

  test('outside its range is refused with the range', () => {
    expect(read(numberValue({ min: 0, max: 2 }), '2.5')).toBe(
      '--flag 2.5: expected a number from 0 to 2 / for example --flag 0',
    );
    expect(read(numberValue({ min: 0, max: 2 }), '2')).toBe(2);
    expect(read(numberValue({ min: 0.5 }), '0')).toBe(
      '--flag 0: expected a number of at least 0.5 / for example --flag 0.5',
    );
    expect(read(numberValue({ max: -1 }), '0')).toBe(
      '--flag 0: expected a number of at most -1 / for example --flag -1',
    );
  });
});

describe('a whole number', () => {
  test('may carry a unit or underscores', () => {
    const spellings = ['12', '1_000', '20M', '1.5k', '0.3M', '2G', '15B', '1t', '1e3'];
    expect(spellings.map((v) => read(integerValue(), v))).toEqual([
      12, 1000, 20e6, 1500, 300_000, 2e9, 15e9, 1e12, 1000,
    ]);
  });

  test('refuses fractions, sizes beyond exact integers, and other units', () => {
    for (const value of ['1.5', '0.0001k', '1e300', '3MB', 'M', '', '1__x']) {
      expect(read(integerValue({ min: 1 }), value)).toMatch(
        /expected a whole number.* \/ for example --flag 1$/,
      );
    }
  });

  test('outside its range is refused with the range', () => {
    expect(read(integerValue({ min: 1, max: 64 }), '0')).toBe(
      '--flag 0: expected a whole number from 1 to 64 / for example --flag 1',
    );
  });
});

describe('a share', () => {
  test('is a fraction, or a percentage when it says so', () => {
    expect(['0', '1', '0.3', '30%', '12.5 %'].map((v) => read(shareValue(), v))).toEqual([
      0, 1, 0.3, 0.3, 0.125,
    ]);
  });

  test('of 30 is refused, and the hint says how 30 percent is written', () => {
    expect(read(shareValue(), '30')).toBe(
      '--flag 30: a share lies between 0 and 1 / for 30 percent write --flag 0.3',
    );
    expect(read(shareValue(), '-0.1')).toBe(
      '--flag -0.1: a share lies between 0 and 1 / for example --flag 0.3',
    );
    expect(read(shareValue(), '130%')).toMatch(/a share lies between 0 and 1/);
    expect(read(shareValue(), 'half')).toMatch(/expected a share from 0 to 1/);
  });
});

test('a choice that is nearly right is answered with the right one', () => {
  const phase = choiceValue(['stable', 'decay']);
  expect(read(phase, 'decay')).toBe('decay');
  expect(read(phase, 'stabel')).toBe('--flag stabel: not one of stable, decay / did you mean --flag stable?');
  expect(read(phase, 'warm')).toBe('--flag warm: not one of stable, decay / for example --flag stable');
});

test('a list collects its values, each one checked', () => {
  const numbers = listValue(numberValue());
  expect(read(numbers, '2', read(numbers, '1'))).toEqual([1, 2]);
  expect(read(numbers, 'x', [1])).toMatch(/expected a number/);
  expect(read(listValue(), 'a.html')).toEqual(['a.html']);
});

test('assignments collect names with values, which may hold an equals sign', () => {
  const set = assignmentsValue();
  expect(read(set, 'b=2=3', read(set, 'a=1'))).toEqual({ a: '1', b: '2=3' });
  expect(read(set, 'a=', { a: '1' })).toEqual({ a: '' });
  expect(read(set, 'a')).toBe('--flag a: expected name=value / for example --flag web.weight=0.4');
  expect(read(set, '=1')).toMatch(/expected name=value/);
});
