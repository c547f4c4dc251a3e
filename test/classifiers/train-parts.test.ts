/** The parts of training that have an answer of their own: sort, random numbers, counting, kernels. */
import { describe, expect, it } from 'vitest';
import { introsort } from '../../classifiers/fasttext/introsort.ts';
import { Minstd } from '../../classifiers/fasttext/minstd.ts';
import { hashBytes } from '../../classifiers/fasttext/model-data.ts';
import { trainKernels } from '../../classifiers/fasttext/train-kernels.ts';
import { VocabularyCount } from '../../classifiers/fasttext/vocabulary-count.ts';
import { randomNumbers } from './random-numbers.ts';

const { fround } = Math;

describe('introsort', () => {
  const orders: [name: string, keys: (length: number) => number[]][] = [
    ['random numbers', (length) => Array.from({ length }, randomNumbers(5))],
    ['many equal ones', (length) => Array.from({ length }, (_, i) => (i * 7) % 5)],
    ['rising', (length) => Array.from({ length }, (_, i) => i)],
    ['falling', (length) => Array.from({ length }, (_, i) => -i)],
    ['an organ pipe', (length) => Array.from({ length }, (_, i) => Math.min(i, length - i))],
  ];
  it.each(orders)('sorts %s', (_, keysOf) => {
    for (const length of [0, 1, 2, 15, 16, 17, 40, 1000, 4097]) {
      const keys = keysOf(length);
      const items = Int32Array.from({ length }, (_item, i) => i);
      introsort(items, (a, b) => keys[a]! < keys[b]!);
      expect([...items].map((item) => keys[item])).toEqual([...keys].sort((a, b) => a - b));
      expect(new Set(items).size).toBe(length);
    }
  });

  it('stays n log n on input made against medians of three', () => {
    // McIlroy's adversary: keys are decided while they are compared.
    const length = 20_000;
    const keys = new Float64Array(length).fill(Number.POSITIVE_INFINITY);
    let [decided, candidate, comparisons] = [0, 0, 0];
    const items = Int32Array.from({ length }, (_, i) => i);
    introsort(items, (a, b) => {
      comparisons++;
      if (keys[a] === Number.POSITIVE_INFINITY && keys[b] === Number.POSITIVE_INFINITY) {
        keys[a === candidate ? a : b] = decided++;
      }
      if (keys[a] === Number.POSITIVE_INFINITY) candidate = a;
      else if (keys[b] === Number.POSITIVE_INFINITY) candidate = b;
      return keys[a]! < keys[b]!;
    });
    for (let i = 1; i < length; i++) expect(keys[items[i - 1]!]! <= keys[items[i]!]!).toBe(true);
    expect(comparisons).toBeLessThan(8 * length * Math.log2(length));
  });
});

describe('minstd_rand', () => {
  it('gives the number that the standard demands', () => {
    // [rand.predef]: the 10,000th number of a default-constructed minstd_rand.
    const random = new Minstd(1);
    let last = 0;
    for (let i = 0; i < 10_000; i++) last = random.next();
    expect(last).toBe(399_268_537);
    expect(new Minstd(0).next()).toBe(48_271);
  });

  it('draws whole numbers evenly', () => {
    const random = new Minstd(5);
    const seen = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) seen[random.upTo(2)]!++;
    for (const count of seen) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    const before = random.state;
    expect(random.upTo(0)).toBe(0);
    expect(random.state).not.toBe(before);
  });
});

describe('counting words', () => {
  const add = (vocabulary: VocabularyCount, word: string): void => {
    const bytes = Buffer.from(word);
    vocabulary.add(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length) | 0);
  };
  const entries = (vocabulary: VocabularyCount, minCount: number, minCountLabel: number): string[] => {
    const { dictionary, counts } = vocabulary.finish(minCount, minCountLabel);
    const { bytes, starts, words, labels } = dictionary;
    expect(counts.length).toBe(words + labels);
    return [...counts].map((count, i) => `${Buffer.from(bytes.slice(starts[i], starts[i + 1]))} ${count}`);
  };

  it('puts words before labels, frequent ones first, and leaves rare ones out', () => {
    const vocabulary = new VocabularyCount();
    for (const word of 'b a __label__y a é __label__x __label__x é a b c'.split(' ')) add(vocabulary, word);
    expect(vocabulary.tokens).toBe(11);
    expect(entries(vocabulary, 2, 1)).toEqual(['a 3', 'b 2', 'é 2', '__label__x 2', '__label__y 1']);
  });

  it('drops the rarest when there are too many, as often as needed', () => {
    const vocabulary = new VocabularyCount(100);
    for (let i = 0; i < 5000; i++) {
      add(vocabulary, 'frequent');
      if (i % 10 === 0) add(vocabulary, 'often');
      add(vocabulary, `rare${i}`);
    }
    const found = entries(vocabulary, 1, 0);
    expect(found[0]).toBe('frequent 5000');
    expect(found[1]).toMatch(/^often \d+$/);
    expect(found.length).toBeLessThanOrEqual(101);
    expect(vocabulary.tokens).toBe(10_500);
  });

  it('keeps thirty thousand words apart', () => {
    const vocabulary = new VocabularyCount();
    for (let round = 0; round < 2; round++) for (let i = 0; i < 30_000; i++) add(vocabulary, `w${i}`);
    expect(entries(vocabulary, 2, 0)).toHaveLength(30_000);
  });
});

const memories: [name: string, wide: boolean, shared: boolean][] = [
  ['own', false, false],
  ['64-bit shared', true, true],
];
describe.each(memories)('training kernels over %s memory', (_, wide, shared) => {
  const scratch = new WebAssembly.Memory({ initial: 1 });
  const pages = wide ? { initial: 2n, maximum: 2n, address: 'i64' } : { initial: 2, maximum: 2 };
  const model = new WebAssembly.Memory({ ...pages, shared } as unknown as WebAssembly.MemoryDescriptor);
  const kernels = trainKernels(scratch, model, wide);
  const weights = new Float32Array(model.buffer);
  const floats = new Float32Array(scratch.buffer);
  const rows = new Int32Array(scratch.buffer);

  it.each([1, 3, 4, 5, 31, 32, 33, 65, 130])('addToRows and outputStep in %d dimensions', (dim) => {
    for (let i = 0; i < 4000; i++) weights[i] = Math.sin(i * 0.7) * 10 ** (i % 5);
    const list = [5, 9, 2, 2, 7, 0];
    rows.set(list, 4000);
    const lanes = Math.ceil(dim / 4) * 4;
    for (let i = 0; i < lanes; i++) floats[i] = i < dim ? Math.cos(i) : -0;
    const wanted = weights.slice(0, 4000);
    for (const row of list) {
      for (let i = 0; i < dim; i++) wanted[16 + row * dim + i] = wanted[16 + row * dim + i]! + floats[i]!;
    }
    kernels.addToRows(16_000, 16_000 + 4 * list.length, 0, 4 * lanes, 64, 4 * dim);
    expect([...weights.subarray(0, 4000)]).toEqual([...wanted]);

    const [hidden, gradient, row] = [1000, 2000, 24];
    const alpha = fround(0.3);
    for (let i = 0; i < dim + 4; i++) floats[hidden + i] = Math.cos(i * 3);
    for (let i = 0; i < dim + 4; i++) floats[gradient + i] = Math.sin(i * 2);
    const wantedGradient = floats.slice(gradient, gradient + dim + 4);
    for (let i = 0; i < dim; i++) {
      wantedGradient[i] = wantedGradient[i]! + fround(alpha * wanted[row + i]!);
      wanted[row + i] = wanted[row + i]! + fround(alpha * floats[hidden + i]!);
    }
    kernels.outputStep(4 * row, 4 * hidden, 4 * gradient, 4 * (gradient + dim), alpha);
    expect([...floats.subarray(gradient, gradient + dim + 4)]).toEqual([...wantedGradient]);
    expect([...weights.subarray(0, 4000)]).toEqual([...wanted]);
  });

  it('fillUniform draws what the generator gives, and goes on from there', () => {
    const random = new Minstd(77);
    const bound = fround(1 / 7);
    const draw = (): number => {
      const first = random.next() - 1;
      const value = (first + (random.next() - 1) * 2_147_483_646) / 2_147_483_646 ** 2;
      return fround(value * (2 * bound) - bound);
    };
    const state = new BigInt64Array(scratch.buffer, 8, 1);
    state[0] = 77n;
    weights.fill(9);
    kernels.fillUniform(16, 3, bound, 8);
    kernels.fillUniform(28, 500, bound, 8);
    expect([...weights.subarray(3, 508)]).toEqual([9, ...Array.from({ length: 503 }, draw), 9]);
    expect(Number(state[0])).toBe(random.state);
  });
});
