/**
 * Strict configuration: each wrong key is named with its place, its value and the nearest key that exists; equal configs have equal
 * fingerprints.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fingerprint, nearest, parseConfig, stableJson } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';

const schema = z.strictObject({
  input: z.string(),
  threshold: z.number().min(0).max(1).default(0.5),
  filters: z.array(z.strictObject({ name: z.string(), masked: z.boolean().optional() })).default([]),
  model: z.strictObject({ hidden_size: z.number() }).optional(),
});

function messageOfParse(value: unknown): string {
  try {
    parseConfig(schema, value, 'pipeline.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  return '';
}

describe('parseConfig', () => {
  it('fills defaults', () => {
    expect(parseConfig(schema, { input: 'a' }, 'x')).toEqual({ input: 'a', threshold: 0.5, filters: [] });
  });

  it('names the file and suggests the nearest key', () => {
    expect(messageOfParse({ input: 'a', treshold: 0.4 })).toBe(
      'pipeline.yaml: unknown key "treshold"; did you mean "threshold"?',
    );
  });

  it('suggests inside objects that are optional and inside lists', () => {
    expect(messageOfParse({ input: 'a', model: { hidden_sise: 1, hidden_size: 2 } })).toContain(
      'in model; did you mean "hidden_size"?',
    );
    expect(messageOfParse({ input: 'a', filters: [{ name: 'x', maskd: true }] })).toContain(
      'in filters.0; did you mean "masked"?',
    );
  });

  it('lists the known keys when nothing is near', () => {
    expect(messageOfParse({ input: 'a', zzzzzzzz: 1 })).toContain(
      '(known: input, threshold, filters, model)',
    );
  });

  it('shows the value that was found', () => {
    expect(messageOfParse({ input: 'a', threshold: 7 })).toMatch(/threshold: .*\(found 7\)/);
  });

  it('reports every problem at once', () => {
    const message = messageOfParse({ threshold: 'high', extra: 1 });
    expect(message).toContain('input');
    expect(message).toContain('(found "high")');
    expect(message).toContain('unknown key "extra"');
  });
});

describe('nearest', () => {
  it('takes slips of the hand and nothing else', () => {
    expect(nearest('learning_rte', ['learning_rate', 'loss'])).toBe('learning_rate');
    expect(nearest('QARatio', ['qaRatio'])).toBe('qaRatio');
    expect(nearest('weight', ['seed', 'output'])).toBeUndefined();
  });
});

describe('fingerprint', () => {
  it('does not depend on the order of keys at any level', () => {
    const a = { b: 1, a: { d: [1, { y: 1, x: 2 }], c: null } };
    const b = { a: { c: null, d: [1, { x: 2, y: 1 }] }, b: 1 };
    expect(stableJson(a)).toBe(stableJson(b));
    expect(fingerprint(a)).toBe(fingerprint(b));
  });

  it('depends on values and on the order of lists', () => {
    expect(fingerprint({ a: [1, 2] })).not.toBe(fingerprint({ a: [2, 1] }));
    expect(fingerprint({ a: 1 })).not.toBe(fingerprint({ a: '1' }));
    expect(fingerprint({ a: 1 })).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is the sha256 of JSON with sorted keys, so that runs on disk stay comparable', () => {
    // sha256sum of {"input":"a","seed":1}
    expect(fingerprint({ seed: 1, input: 'a' })).toBe('adea1afc75ae40d0');
  });
});
