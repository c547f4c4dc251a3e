/** Text of tokens as they come: the same text as decoding all at once, stop strings wherever tokens cut them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { type Tokenizer, tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { cutAtStop, TokenText } from '../../trainer/sampler/token-text.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  const { files } = await trainBpe(['the cat sat on the mat. Question: one two. Question: three'], {
    vocabSize: 290,
  });
  tokenizer = await tokenizerOf(files, 'test');
});

function run(ids: ArrayLike<number>, stops: string[] = []) {
  const text = new TokenText(tokenizer, stops);
  let out = '';
  let used = 0;
  for (const id of Array.from(ids)) {
    if (text.stop !== undefined) break;
    out += text.push(id);
    used++;
  }
  return { out: out + text.finish(), used, stop: text.stop };
}

describe('text of tokens', () => {
  it('is what decoding all at once gives, for any bytes', () => {
    const random = new Random(1);
    for (const text of ['the cat', 'e\u0301 \u{1f600}\u{1f600} \u4f60\u597d', '\n\n  x', ''])
      expect(run(tokenizer.encode(text)).out).toBe(text);
    for (let i = 0; i < 200; i++) {
      const ids = Array.from({ length: random.int(150) }, () => random.int(tokenizer.vocabSize));
      expect(run(ids).out).toBe(tokenizer.decode(ids, { special: false }));
    }
  });

  it('gives no half characters, and nothing that may become a stop string', () => {
    const text = new TokenText(tokenizer, ['on the']);
    const pieces = Array.from(tokenizer.encode('sat o\u{1f600} on th on the mat'), (id) => text.push(id));
    expect(pieces.join('')).toBe('sat o\u{1f600} on th ');
    expect(pieces.every((piece) => !piece.includes('\ufffd'))).toBe(true);
    expect(text.stop).toBe('on the');
    expect(text.push(5)).toBe('');
  });

  it('stops at the first token that completes a stop string', () => {
    const stops = ['Question:', '. Q', 'three'];
    const text = 'one. Question: three';
    const ids = tokenizer.encode(text);
    const { out, used, stop } = run(ids, stops);
    expect(out).toBe(cutAtStop(text, stops));
    expect(out).toBe('one');
    expect(stop).toBe('. Q');
    const decoded = (n: number) => tokenizer.decode(ids.slice(0, n), { special: false });
    expect(stops.some((s) => decoded(used).includes(s))).toBe(true);
    expect(stops.some((s) => decoded(used - 1).includes(s))).toBe(false);
    expect(run(tokenizer.encode('no stop here, Questio'), stops)).toMatchObject({
      out: 'no stop here, Questio',
      stop: undefined,
    });
  });
});
