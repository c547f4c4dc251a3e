/**
 * Pages about mathematics, or full of numbers, that hold none: hard negatives for the bundled classifier's training, in our own words.
 *
 * A page is some sentences of one kind (news, courses, calculators, ...) in an order drawn from the seed, their slots filled from lists. So
 * that topic words stop telling: "theorem", "professor", "algebra", "equation" occur here as often as in mathematics itself.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Random } from '../../../src/core/random.ts';

interface Sentences {
  slots: Record<string, readonly string[]>;
  /** By kind. `{slot}` is filled from the lists, `#` is a digit. */
  kinds: Record<string, readonly string[]>;
}

const { slots, kinds } = parse(
  readFileSync(new URL('./about-mathematics.yaml', import.meta.url), 'utf8'),
) as Sentences;

export interface MadePage {
  id: string;
  text: string;
}

/** `count` pages; the same for the same seed. */
export function aboutMathematics(count: number, seed: number): MadePage[] {
  const random = new Random(seed);
  const names = Object.keys(kinds);
  return Array.from({ length: count }, (_, i) => {
    const kind = names[i % names.length]!;
    const left = [...kinds[kind]!];
    const size = 4 + random.int(Math.min(8, left.length - 4));
    const sentences = Array.from({ length: size }, () => left.splice(random.int(left.length), 1)[0]!);
    return {
      id: `${kind}-${i}`,
      text: sentences.map((sentence) => fill(sentence, random)).join(random.int(3) === 0 ? '\n' : ' '),
    };
  });
}

function fill(sentence: string, random: Random): string {
  return sentence
    .replace(/\{(\w+)\}/g, (_, slot: string) => random.pick(slots[slot]!))
    .replace(/#/g, () => String(random.int(10)));
}
