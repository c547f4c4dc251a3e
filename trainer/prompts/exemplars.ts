/**
 * Worked examples for few-shot prompts: eight word problems, four of competition style, four with four choices and four with five. All are this
 * project's own words and numbers: the usual prompts (Wei et al. 2022, arXiv 2201.11903; Minerva, arXiv 2206.14858) are others' texts, and an
 * example may be in no benchmark. What carries over is their number and form: a question, steps, then a sentence that gives the answer.
 * Answers of the first two stand in a box, since that is what the paper's reward reads.
 */
import type { ExemplarSet } from '../../src/core/evaluation.ts';
import { questionWithChoices } from '../problem-sets/choices.ts';

export interface Exemplar {
  question: string;
  /** As a model should write it, answer included. */
  solution: string;
}

const boxed = (question: string, steps: string, answer: string): Exemplar => ({
  question,
  solution: `${steps} The answer is $\\boxed{${answer}}$.`,
});

const choice = (question: string, choices: string[], steps: string, letter: string): Exemplar => ({
  question: questionWithChoices(question, choices),
  solution: `${steps} The answer is (${letter}).`,
});

const gsm: readonly Exemplar[] = [
  boxed(
    'A bakery fills 6 trays with 12 rolls each. By noon 45 of the rolls are sold. How many rolls are left?',
    'The trays hold 6 * 12 = 72 rolls. After 45 are sold, 72 - 45 = 27 rolls are left.',
    '27',
  ),
  boxed(
    'Nora cycles 14 kilometres on Saturday and twice as far on Sunday. How many kilometres does she cycle on the two days together?',
    'On Sunday she cycles 2 * 14 = 28 kilometres. Together that is 14 + 28 = 42 kilometres.',
    '42',
  ),
  boxed(
    'The boat costs $9 for an adult and $5 for a child. A group of 3 adults and 7 children pays with a $100 note. How many dollars of change do they get?',
    'The adults pay 3 * 9 = 27 dollars and the children 7 * 5 = 35 dollars. In all they pay 27 + 35 = 62 dollars, so the change is 100 - 62 = 38 dollars.',
    '38',
  ),
  boxed(
    'Tarek reads 30 pages of a novel of 210 pages on Monday, and a third of what remains on Tuesday. How many pages does he still have to read?',
    'After Monday 210 - 30 = 180 pages remain. On Tuesday he reads 180 / 3 = 60 of them. So 180 - 60 = 120 pages are still to be read.',
    '120',
  ),
  boxed(
    'A tank holds 240 litres. A pump brings in 16 litres a minute while a leak loses 4 litres a minute. How many minutes does it take to fill the empty tank?',
    'Each minute the tank gains 16 - 4 = 12 litres. Filling it takes 240 / 12 = 20 minutes.',
    '20',
  ),
  boxed(
    'A jacket of $80 is reduced by 15%, and delivery costs $3. How many dollars are paid in all?',
    'The reduction is 80 * 15 / 100 = 12 dollars, so the jacket costs 80 - 12 = 68 dollars. With delivery that is 68 + 3 = 71 dollars.',
    '71',
  ),
  boxed(
    'Leena has 5 full boxes of 8 pencils and 3 pencils over. She gives 19 pencils away. How many pencils does she keep?',
    'She begins with 5 * 8 + 3 = 43 pencils. She keeps 43 - 19 = 24 pencils.',
    '24',
  ),
  boxed(
    'Four friends share the price of a tent equally. The tent costs $132, and a voucher of $20 is taken off first. How many dollars does each friend pay?',
    'After the voucher the tent costs 132 - 20 = 112 dollars. Each of the four pays 112 / 4 = 28 dollars.',
    '28',
  ),
];

const math: readonly Exemplar[] = [
  boxed(
    'For which real $x$ is $\\sqrt{2x-6}$ a real number? Answer in interval notation.',
    'The number under the root must not be negative: $2x-6 \\ge 0$. This gives $2x \\ge 6$, so $x \\ge 3$.',
    '[3,\\infty)',
  ),
  boxed(
    'Let $f(x) = 3x^2 - 4x + 1$. Find $f(f(1))$.',
    'First $f(1) = 3 - 4 + 1 = 0$. Then $f(f(1)) = f(0) = 1$.',
    '1',
  ),
  boxed(
    'What is the sum of all solutions of $|2x-5| = 9$?',
    'Either $2x - 5 = 9$, which gives $x = 7$, or $2x - 5 = -9$, which gives $x = -2$. Their sum is $7 + (-2) = 5$.',
    '5',
  ),
  boxed(
    'A fair die with six sides is rolled twice. What is the probability that the two rolls sum to 9? Answer with a common fraction.',
    'The pairs with sum 9 are $(3,6)$, $(4,5)$, $(5,4)$ and $(6,3)$. That is 4 of 36 equally likely pairs, and $\\frac{4}{36} = \\frac{1}{9}$.',
    '\\frac{1}{9}',
  ),
];

const choice4: readonly Exemplar[] = [
  choice(
    'A car that moves at 20 m/s comes to rest in 5 s at a constant rate. What is the size of its acceleration?',
    ['2 m/s^2', '4 m/s^2', '25 m/s^2', '100 m/s^2'],
    'The speed changes by 20 m/s in 5 s, which is 20 / 5 = 4 m/s^2.',
    'B',
  ),
  choice(
    'What is the derivative of x^3 - 5x at x = 2?',
    ['-2', '3', '12', '7'],
    'The derivative is 3x^2 - 5. At x = 2 it is 3 * 4 - 5 = 7.',
    'D',
  ),
  choice(
    'Which gas do green plants take up to build sugar in the light?',
    ['Nitrogen', 'Oxygen', 'Carbon dioxide', 'Hydrogen'],
    'Photosynthesis makes sugar from carbon dioxide and water, and gives off oxygen.',
    'C',
  ),
  choice(
    'How many different values can an unsigned number of 6 bits have?',
    ['64', '12', '36', '63'],
    'Each bit has 2 values, so there are 2^6 = 64.',
    'A',
  ),
];

const choice5: readonly Exemplar[] = [
  choice(
    'A train covers 180 km in 2.5 hours. What is its average speed in km per hour?',
    ['60', '66', '72', '75', '80'],
    'The average speed is 180 / 2.5 = 72 km per hour.',
    'C',
  ),
  choice(
    'Three fifths of a number is 42. What is the number?',
    ['25.2', '56', '63', '70', '84'],
    'One fifth of it is 42 / 3 = 14, so the number is 5 * 14 = 70.',
    'D',
  ),
  choice(
    'The mean of four numbers is 11. Three of them are 8, 10 and 15. What is the fourth?',
    ['11', '12', '13', '14', '9'],
    'The four sum to 4 * 11 = 44, and the three to 8 + 10 + 15 = 33. The fourth is 44 - 33 = 11.',
    'A',
  ),
  choice(
    'A shop raises a price of $50 by 20% and then lowers the new price by 20%. What is the price in the end?',
    ['$50', '$48', '$52', '$46', '$49'],
    'After the rise it is 50 * 1.2 = 60 dollars, and after the cut 60 * 0.8 = 48 dollars.',
    'B',
  ),
];

export const exemplars: Readonly<Record<ExemplarSet, readonly Exemplar[]>> = {
  gsm,
  math,
  'choice-4': choice4,
  'choice-5': choice5,
};
