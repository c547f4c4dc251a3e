/** Writing an index and reading it: the same bytes each time, shared memory, damage. */
import { describe, expect, test } from 'vitest';
import { buildIndex } from '../../src/decontaminate/build-index.ts';
import { indexBytes, readIndex } from '../../src/decontaminate/index-file.ts';
import { items, orchard, page } from './items.ts';

const bytes = indexBytes(buildIndex(items));

describe('an index as bytes', () => {
  test('the same items and settings give the same bytes; others give others', () => {
    expect(Buffer.from(indexBytes(buildIndex(items))).equals(Buffer.from(bytes))).toBe(true);
    expect(Buffer.from(indexBytes(buildIndex(items, { n: 12 }))).equals(Buffer.from(bytes))).toBe(false);
  });

  test('read again it finds what it found, also from shared memory and at an odd place in a file', () => {
    const text = page(orchard.problem);
    const expected = buildIndex(items).scan(text);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const behind = new Uint8Array(bytes.length + 13).subarray(13);
    behind.set(bytes);
    for (const copy of [bytes, shared, behind]) {
      const index = readIndex(copy, 'index');
      expect(index.scan(text)).toEqual(expected);
      expect(Buffer.from(indexBytes(index)).equals(Buffer.from(bytes))).toBe(true);
    }
  });

  test('an index that is cut short or changed anywhere is refused by name', () => {
    for (const length of [0, 7, 15, 60, bytes.length >> 1, bytes.length - 1]) {
      expect(() => readIndex(bytes.slice(0, length), 'run/decontaminate.index')).toThrow(
        /run\/decontaminate\.index: is/,
      );
    }
    for (const at of [0, 9, 14, 50, 300, bytes.length >> 1, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(() => readIndex(changed, 'x')).toThrow(/is damaged|is not an index/);
    }
  });
});
