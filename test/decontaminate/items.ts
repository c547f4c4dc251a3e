/** Benchmark items of our own writing for tests, and documents around them. */
import type { BenchmarkItem } from '../../src/decontaminate/benchmark-item.ts';

export const orchard: BenchmarkItem = {
  benchmark: 'own',
  item: 'orchard',
  problem:
    'Mirela’s orchard has 14 rows of plum trees with 23 trees in each row. A storm in March breaks 37 of the trees and her brother ' +
    'plants twice that number along the northern fence. How many plum trees stand in the orchard after the planting?',
  solution:
    'At first the orchard holds 14 * 23 = <<14*23=322>>322 trees. The storm leaves 322 - 37 = <<322-37=285>>285 of them.\n' +
    'Her brother adds 2 * 37 = 74 trees along the northern fence, which makes 285 + 74 = 359 trees in all.\n#### 359',
};

export const parabola: BenchmarkItem = {
  benchmark: 'own',
  item: 'parabola',
  problem:
    'Let $p$ and $q$ be the two real zeros of the quadratic polynomial $\\frac{3}{4}x^2 - 5x + \\sqrt{7}$. Evaluate the ' +
    'expression $\\left(p - 80{,}000\\right)\\cdot(q+\\sin\\pi)$ and give the result as an exact fraction.',
  solution:
    'By Vieta the zeros satisfy $p+q=\\tfrac{20}{3}$, so the wanted product follows after the brackets have been multiplied out with care.',
};

export const shortItem: BenchmarkItem = {
  benchmark: 'brief',
  item: 'divisors',
  problem: 'How many odd divisors does the integer 5544 have?',
  solution: '12',
};

export const formulaItem: BenchmarkItem = {
  benchmark: 'brief',
  item: 'formula',
  problem: 'Simplify $(2-7i)(5+9i)(3-8i)(4+6i)(1-2i)$.',
  solution: '$29-17i$',
};

export const items: BenchmarkItem[] = [orchard, parabola, shortItem, formulaItem];

/** A page about other things with `text` in the middle. */
export function page(text: string): string {
  return (
    'The ferry to the island leaves at nine and comes back before dark, weather permitting. Bring water, since the only well ' +
    `on the northern side has been dry for years.\n\n${text}\n\nMore about the lighthouse keeper and his two sons can be read in the ` +
    'museum by the harbour, which opens on weekdays and asks no fee.'
  );
}
