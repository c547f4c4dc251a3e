/** Which spellings are the same words to contamination checks, and which are not. */
import { describe, expect, test } from 'vitest';
import { readWords, WordReader, wordBuffer, wordKind } from '../../src/decontaminate/word-reader.ts';

const hashes = (text: string, punctuation: 'drop' | 'keep' = 'drop') => {
  const { count, words } = readWords(text, { punctuation });
  return [...words.hash.subarray(0, count)];
};
const spelled = (text: string) => {
  const { count, words } = readWords(text);
  return Array.from({ length: count }, (_, i) => text.slice(words.start[i], words.end[i]));
};

describe('the same words', () => {
  test.each([
    ['Janet’s ducks', "janet's DUCKS"],
    ['Janet’s', 'Janets'],
    ['café naïve', 'cafe\u0301 naive'],
    ['efﬁcient', 'efficient'],
    ['soft\u00adware zero\u200bwidth', 'software zerowidth'],
    ['ｆｕｌｌ １２', 'full 12'],
    ['$x^2$', 'x^2'],
    ['$x^{2}$', 'x²'],
    ['$x_{10}$', 'x10'],
    ['\\(x^2\\)', '$$x ^ { 2 }$$'],
    ['\\frac{1}{2}', '1/2'],
    ['\\dfrac{1}{2}', '½'],
    ['\\sqrt{2}', '√2'],
    ['2\\pi r', '2πr'],
    ['\\Delta\\varphi', 'Δ φ'],
    ['\\left(\\sin\\theta\\right)\\,', 'sin θ'],
    ['\\mathbf{v}\\cdot w', '𝐯 · w'],
    ['a\\le b\\\\ c', 'a ≤ b c'],
    ['80,000', '80{,}000'],
    ['1,234,567', '1\\,234\\,567'],
    ['10,\\!000', '10000'],
    ['\\text{if } x', 'if x'],
    ['\\begin{align*} x &= 1 \\end{align*}', 'x = 1'],
    ['\\begin{array}{cc} x \\end{array}', 'x'],
    ['a \\label{eq:one} b', 'a b'],
    ['"\\\\frac{3}{4}\\nShe"', '\\frac{3}{4} She'],
    ['twenty-five', 'twenty five'],
    ['48/2 = $<<48/2=24>>24', '48/2=24'],
    ['A [asy] draw((0,0)--(1,1)); [/asy] B', 'A B'],
    ['one\ntwo\r\n  three', 'one two three'],
  ])('%s and %s', (a, b) => {
    expect(hashes(a)).toEqual(hashes(b));
    expect(hashes(a).length).toBeGreaterThan(0);
  });
});

describe('different words', () => {
  test.each([
    ['16 eggs', '17 eggs'],
    ['1.5', '15'],
    ['1,23', '123'],
    ['12345,678', '12345678'],
    ['x', 'y'],
    ['sin x', 'cos x'],
    ['<< if a < b >> c', 'c'],
  ])('%s and %s', (a, b) => {
    expect(hashes(a)).not.toEqual(hashes(b));
  });
});

test('places are those of the text; kinds tell words, letters and numbers', () => {
  const text = 'Let x be \\sqrt{80,000} or don’t.';
  expect(spelled(text)).toEqual(['Let', 'x', 'be', '\\sqrt', '80,000', 'or', 'don’t']);
  const { count, words } = readWords(text);
  const { word, letter, number } = wordKind;
  expect([...words.kind.subarray(0, count)]).toEqual([word, letter, word, word, number, word, word]);
});

test('numbers and number words carry bit 0, other words do not', () => {
  expect(hashes('16 four Twenty ate x').map((hash) => hash & 1)).toEqual([1, 1, 1, 0, 0]);
});

test('punctuation: keep makes each mark a word, TeX delimiters apart', () => {
  expect(hashes('$x$ + y, {z}', 'keep')).toHaveLength(5);
  expect(hashes('x + y', 'keep')).not.toEqual(hashes('x - y', 'keep'));
  expect(hashes('x + y')).toEqual(hashes('x - y'));
});

test('ideographs are words of their own', () => {
  expect(spelled('求函数 f(x) の最大値')).toEqual(['求', '函', '数', 'f', 'x', 'の', '最', '大', '値']);
});

test('a small buffer gives the same words as a large one', () => {
  const text = `${'Add ½ of 80,000 eggs to \\frac{3}{4} πﷺ more; '.repeat(50)}end`;
  const whole = hashes(text);
  const reader = new WordReader(text);
  const buffer = wordBuffer(11);
  const pieces: number[] = [];
  while (!reader.done) pieces.push(...buffer.hash.subarray(0, reader.read(buffer, 0)));
  expect(pieces).toEqual(whole);
});
