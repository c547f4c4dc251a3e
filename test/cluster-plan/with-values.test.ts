/** Other values in some places of a description. */
import { describe, expect, test } from 'vitest';
import { withValues } from '../../src/cluster-plan/with-values.ts';

const description = { name: 'a', nodes: { gpu: { count: 8 } }, phases: [{ tokens: 1 }] };

describe('--set', () => {
  test('changes a copy, in keys and lists, and makes what is not there', () => {
    const sets = { 'nodes.gpu.count': '16', 'phases.0.tokens': '2', 'phases.1.tokens': '3', 'rl.steps': '4' };
    expect(withValues(description, sets)).toEqual({
      name: 'a',
      nodes: { gpu: { count: 16 } },
      phases: [{ tokens: 2 }, { tokens: 3 }],
      rl: { steps: 4 },
    });
    expect(description.nodes.gpu.count).toBe(8);
  });

  test.each([
    ['nodes.gpu.count', '[1', /--set nodes\.gpu\.count=\[1: the value is not YAML/],
    ['phases.x.tokens', '1', /"x" is no place in a list of 1/],
    ['phases.7.tokens', '1', /"7" is no place in a list of 1/],
    ['phases.length', '0', /"length" is no place/],
    ['name.a', '1', /leads into "a", which has no keys/],
    ['__proto__.a', '1', /no key __proto__/],
    ['nodes.__proto__', '{ a: 1 }', /no key __proto__/],
  ])('%s=%s is refused', (place, text, message) => {
    expect(() => withValues(description, { [place]: text })).toThrow(message);
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  });

  test('a name that objects inherit is a key like any other', () => {
    expect(Object.keys(withValues(description, { 'constructor.a': '1' }) as object)).toContain('constructor');
  });
});
