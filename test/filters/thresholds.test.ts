/** From thresholds in a pipeline file to rules, and the errors for names that match nothing. */
import { describe, expect, it } from 'vitest';
import { familyOfSignal, familySpecs } from '../../src/filters/families.ts';
import { gopherQuality } from '../../src/filters/gopher-quality.ts';
import { decide } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { resolveRules, thresholdsSchema } from '../../src/filters/thresholds.ts';

const resolve = (value: unknown, measured = familySpecs) =>
  resolveRules(thresholdsSchema.parse(value), measured, 'p.yaml');

describe('resolveRules', () => {
  it('takes sets in the order given and changes single bounds in place', () => {
    const rules = resolve({ use: ['gopher-quality'], set: { 'gopher.word_count': { min: 10, max: null } } });
    expect(rules[0]).toEqual({
      signal: 'gopher.word_count',
      side: 'min',
      bound: 10,
      reason: 'gopher_short_doc',
    });
    expect(rules.some((rule) => rule.reason === 'gopher_long_doc')).toBe(false);
    expect(rules).toHaveLength(thresholdSets['gopher-quality']!.length - 1);
  });

  it('leaves the built-in sets as they are', () => {
    const before = JSON.stringify(thresholdSets);
    resolve({ use: ['math'], set: { 'math.score': { min: 0.9 } } });
    expect(JSON.stringify(thresholdSets)).toBe(before);
  });

  it('names a reason for a bound that no set has', () => {
    expect(resolve({ set: { 'math.span_count': { min: 3 } } })).toEqual([
      { signal: 'math.span_count', side: 'min', bound: 3, reason: 'math_span_count_below_min' },
    ]);
    expect(resolve({ set: { 'math.span_count': { max: 3, reason: 'too_many' } } })[0]!.reason).toBe(
      'too_many',
    );
  });

  it.each([
    [{ use: ['gopher-qualty'] }, /unknown threshold set "gopher-qualty"/],
    [{ set: { 'gopher.mean_word_lenght': { min: 1 } } }, /unknown .*signal "gopher.mean_word_lenght"/],
    [{ set: { 'math.score': { max: null } } }, /no set in "use" has that bound/],
    [{ set: { 'math.score': {} } }, /neither min nor max/],
  ])('refuses %j', (thresholds, message) => {
    expect(() => resolve(thresholds)).toThrow(message);
  });

  it('suggests the name that was meant', () => {
    try {
      resolve({ set: { 'gopher.mean_word_lenght': { min: 1 } } });
      expect.unreachable();
    } catch (error) {
      expect((error as { hint: string }).hint).toContain('gopher.mean_word_length');
    }
  });

  it('refuses a rule on a signal that is not measured', () => {
    expect(() => resolve({ use: ['math'] }, [gopherQuality])).toThrow(/math.score, which is not measured/);
  });
});

describe('the built-in sets', () => {
  it('only name signals that a family measures', () => {
    for (const rule of Object.values(thresholdSets).flat())
      expect(familyOfSignal(rule.signal), rule.signal).toBeDefined();
  });

  it('let a value equal to its bound pass, and drop the next one', () => {
    for (const rule of Object.values(thresholdSets).flat()) {
      const beyond =
        rule.bound + (rule.side === 'max' ? 1e-9 * Math.max(1, rule.bound) : -1e-9 * Math.max(1, rule.bound));
      expect(decide([rule], { [rule.signal]: rule.bound })).toEqual({ keep: true });
      expect(decide([rule], { [rule.signal]: beyond })).toEqual({ keep: false, reason: rule.reason });
      expect(decide([rule], { [rule.signal]: Number.NaN })).toEqual({ keep: true });
    }
  });
});
