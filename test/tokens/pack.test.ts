/** Concatenate-and-cut packing. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packWindows } from '../../src/tokens/pack.ts';

const documents = (lengths: number[]) =>
  lengths.map((length, d) => ({ document: d, tokens: Uint32Array.from({ length }, (_, i) => d * 1000 + i) }));

test('a document that does not fit goes on in the next window', () => {
  const windows = [...packWindows(documents([3, 6, 2]), 5)];
  expect(windows.map((w) => w.map((piece) => [piece.document, ...piece.tokens]))).toEqual([
    [
      [0, 0, 1, 2],
      [1, 1000, 1001],
    ],
    [
      [1, 1002, 1003, 1004, 1005],
      [2, 2000],
    ],
  ]);
});

test('every window is full, and the windows are the stream of documents without gap or repeat', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 17 }),
      (lengths, size) => {
        const stream = documents(lengths).flatMap(({ tokens }) => [...tokens]);
        const windows = [...packWindows(documents(lengths), size)];
        expect(windows.length).toBe(Math.floor(stream.length / size));
        for (const window of windows)
          expect(window.reduce((n, piece) => n + piece.tokens.length, 0)).toBe(size);
        expect(windows.flatMap((window) => window.flatMap((piece) => [...piece.tokens]))).toEqual(
          stream.slice(0, windows.length * size),
        );
      },
    ),
  );
});
