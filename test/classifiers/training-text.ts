/** Made-up training lines of three labels, with what makes training special: several labels, `</s>` in a line, empty lines, no end of line. */
import { randomNumbers } from './random-numbers.ts';

const topics: Readonly<Record<string, string>> = {
  algebra: 'group ring field kernel ideal module order product inverse x^2 $a+b$ matrix rank proof',
  cooking: 'butter flour oven bake salt pepper onion stir simmer crème brûlée jalapeño dough',
  中文: '数学 证明 定理 函数 我们 可以 问题 答案 group order',
};
const common = 'the of and to in is that for it as was with be by on'.split(' ');

/** `lines` lines; the last one ends without a line feed when `open`. */
export function trainingText(lines: number, open: boolean): string {
  const next = randomNumbers(11);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() ** 2 * items.length)]!;
  const labels = Object.keys(topics);
  const rows = Array.from({ length: lines }, (_, index) => {
    const label = pick(labels);
    const words = topics[label]!.split(' ');
    const text = Array.from({ length: 3 + Math.floor(next() * 12) }, () =>
      next() < 0.5 ? pick(words) : next() < 0.9 ? pick(common) : `w${Math.floor(next() * 300)}`,
    );
    if (index % 9 === 0) text.unshift(`__label__${pick(labels)}`);
    if (index % 31 === 5) text.splice(3, 0, '</s>', '__label__cooking');
    if (index % 37 === 6) return '';
    if (index % 41 === 7) return `\t${text.join('\u000b')}\r`;
    return `__label__${label} ${text.join(index % 13 === 0 ? '  ' : ' ')}`;
  });
  return rows.join('\n') + (open ? '' : '\n');
}

/** Models the reference trained on it (test/oracles/fasttext-training.ts). */
export const trainedModels = {
  'trained-softmax': { dim: 6, wordNgrams: 2, bucket: 50, minCount: 2, epoch: 4, seed: 3 },
  'trained-subwords': { dim: 4, minn: 2, maxn: 3, bucket: 60, minCount: 1, epoch: 2, lr: 0.25, seed: 0 },
  'trained-ova': { dim: 8, minCount: 1, epoch: 3, loss: 'ova', lrUpdateRate: 10, seed: 9 },
  'trained-ns': { dim: 5, wordNgrams: 3, bucket: 40, minCount: 4, epoch: 3, loss: 'ns', neg: 3, seed: 4 },
  'trained-hs': { dim: 3, minCount: 2, minCountLabel: 20, epoch: 3, loss: 'hs', seed: 2_147_483_647 },
} as const;
export const trainedLines = 400;
