import { describe, expect, it } from 'vitest';
import {
  bytes,
  compact,
  decimal,
  duration,
  exponent,
  percent,
  points,
  span,
  whole,
} from '../../src/report/number-format.ts';

describe('number formats', () => {
  it('writes large numbers so that people can compare them', () => {
    expect([
      whole(1234567),
      compact(1234567),
      compact(2_048_000),
      compact(9999),
      compact(999_950),
      compact(3.2e12),
    ]).toEqual(['1,234,567', '1.23 M', '2.05 M', '9,999', '1 M', '3.2 T']);
  });

  it('never lets a small share read as nothing, nor an almost whole one as all', () => {
    expect([
      percent(0),
      percent(0.0001),
      percent(0.3),
      percent(0.31249),
      percent(0.9999),
      percent(1),
    ]).toEqual(['0 %', '<0.1 %', '30.0 %', '31.2 %', '>99.9 %', '100 %']);
  });

  it('writes differences of shares in points with their sign', () => {
    expect([points(0.1837), points(-0.05), points(0.00001)]).toEqual([
      '+18.4 points',
      '−5.0 points',
      '±0.0 points',
    ]);
  });

  it('writes losses and learning rates', () => {
    expect([
      decimal(1.70451),
      decimal(0.25),
      decimal(0),
      decimal(0.00002),
      exponent(3e-4),
      exponent(2.5e-5),
    ]).toEqual(['1.705', '0.25', '0', '2e-5', '3e-4', '2.5e-5']);
  });

  it('writes sizes, times and ranges', () => {
    expect([bytes(512), bytes(53_580_245), duration(3.25), duration(252.4), duration(3725)]).toEqual([
      '512 bytes',
      '51.1 MiB',
      '3.3 s',
      '4 min 12 s',
      '1 h 2 min',
    ]);
    expect([span([1, 1], whole), span([3, 1, 2], whole), span([], whole)]).toEqual(['1', '1 to 3', '–']);
  });

  it('writes a dash for what is not a number', () => {
    expect([
      whole(undefined),
      compact(Number.NaN),
      percent(Number.POSITIVE_INFINITY),
      decimal(undefined),
      bytes(undefined),
    ]).toEqual(new Array(5).fill('–'));
  });
});
