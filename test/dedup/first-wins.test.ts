/** Exact dedup against the plain definition, for any cutting into parts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { exactSignature, normaliseForExact, signatureText } from '../../src/dedup/exact-signature.ts';
import { findDuplicates } from '../../src/dedup/first-wins.ts';
import { SignatureList } from '../../src/dedup/signature-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'midtrain-dedup-'));
beforeAll(() => initHash64());
afterAll(() => rmSync(folder, { recursive: true }));

function dropsOf(units: readonly (readonly string[])[], documentsPerPart: number): number[][] {
  const paths = units.map((texts, i) => {
    const list = new SignatureList();
    texts.forEach((text, row) => {
      list.add(exactSignature(text), row);
    });
    const path = join(folder, `${i}.signatures`);
    writeFileSync(path, list.encode());
    return path;
  });
  return findDuplicates(paths, { documentsPerPart }).map((rows) => [...rows]);
}

/** The definition: walk units in order, rows in order, drop what was seen. */
function reference(units: readonly (readonly string[])[]): number[][] {
  const seen = new Set<string>();
  return units.map((texts) =>
    texts.flatMap((text, row) => {
      const known = seen.has(normaliseForExact(text));
      seen.add(normaliseForExact(text));
      return known ? [row] : [];
    }),
  );
}

describe('findDuplicates', () => {
  it('keeps the first document in unit order and row order', () => {
    expect(dropsOf([['a', 'b', 'a'], ['b', 'c'], [], ['c', 'a', 'd']], 1000)).toEqual([[2], [0], [], [0, 1]]);
  });

  it('agrees with the definition whatever the size of a part', () => {
    const unit = fc.array(fc.constantFrom('a', 'b', 'c', 'd d', 'd  d', 'e', 'f', 'g', 'ü', 'u\u0308'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 5 }), fc.constantFrom(1, 2, 7, 1000), (units, part) => {
        expect(dropsOf(units, part)).toEqual(reference(units));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a signature file that was cut short', () => {
    const path = join(folder, 'cut.signatures');
    writeFileSync(path, new Uint8Array(17));
    expect(() => findDuplicates([path])).toThrow(/cut\.signatures.*17 bytes/);
  });
});

describe('exactSignature', () => {
  it('is the published xxhash64 of the normalised bytes', () => {
    // xxhash64 with seed 0: of nothing, and of "a" (reference values of the algorithm).
    expect(signatureText(exactSignature(''))).toBe('ef46db3751d8e999');
    expect(signatureText(exactSignature('a'))).toBe('d24ec4f1a98c6e5b');
  });

  it('does not see white space or composition of accents, but sees case and punctuation', () => {
    const of = (text: string): string => signatureText(exactSignature(text));
    expect(of(' one\n\ttwo ')).toBe(of('one two'));
    expect(of('e\u0301')).toBe(of('\u00e9'));
    expect(of('One two')).not.toBe(of('one two'));
    expect(of('one two.')).not.toBe(of('one two'));
  });
});
