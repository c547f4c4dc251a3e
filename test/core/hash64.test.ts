/**
 * xxHash64 against published values.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { hash64, hash64Hex, initHash64 } from '../../src/core/hash64.ts';

beforeAll(initHash64);

describe('hash64', () => {
  it('gives the published XXH64 values for seed 0', () => {
    expect(hash64Hex(new Uint8Array(0))).toBe('ef46db3751d8e999');
    expect(hash64Hex(Buffer.from('a'))).toBe('d24ec4f1a98c6e5b');
    expect(hash64Hex(Buffer.from('abc'))).toBe('44bc2cf5ad770999');
  });

  it('hashes a view of a larger buffer as if it stood alone', () => {
    const whole = Buffer.from('xxabcxx');
    expect(hash64(whole.subarray(2, 5))).toBe(hash64(Buffer.from('abc')));
  });

  it('depends on the seed', () => {
    expect(hash64(Buffer.from('abc'), 1n)).not.toBe(hash64(Buffer.from('abc')));
  });
});
