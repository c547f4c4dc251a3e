/**
 * Mathematics in plain words, without any markup: positives for the bundled classifier's training, in our own words, from templates whose
 * numbers and letters are drawn from the seed. They teach what markup does not: letters as names, "let", "suppose", "hence", steps of work.
 */
import { Random } from '../../../src/core/random.ts';
import type { MadePage } from './about-mathematics.ts';

type Template = (r: Random) => string;

const pick = (r: Random, letters: string): string => r.pick(letters.split(''));
const num = (r: Random, most = 12): number => 1 + r.int(most);

const templates: readonly Template[] = [
  (r) => {
    const [x, a, s] = [pick(r, 'xyztuw'), 2 + r.int(9), num(r, 15)];
    const b = num(r, 30);
    return `Solve ${a}${x} + ${b} = ${a * s + b} for ${x}. Subtract ${b} from both sides: ${a}${x} = ${a * s}. Divide by ${a}: ${x} = ${s}. Check: ${a} * ${s} + ${b} = ${a * s + b}, as required.`;
  },
  (r) => {
    const [x, p, q] = [pick(r, 'xyzt'), num(r), num(r)];
    return `Find the roots of ${x}^2 - ${p + q}${x} + ${p * q}. We look for two numbers whose sum is ${p + q} and whose product is ${p * q}; these are ${p} and ${q}. Therefore the polynomial factors as (${x} - ${p})(${x} - ${q}), and its roots are ${x} = ${p} and ${x} = ${q}.`;
  },
  (r) => {
    const [n, k] = [pick(r, 'nmkj'), 2 + r.int(8)];
    return `Suppose ${n} is an integer divisible by ${k}. Then ${n} = ${k}t for some integer t, so ${n}^2 = ${k * k}t^2 is divisible by ${k * k}. Conversely, if ${k}${n} is divisible by ${k * k}, it follows that ${n} is divisible by ${k}.`;
  },
  (r) => {
    const n = 5 + r.int(60);
    return `The sum of the first ${n} positive integers is ${n}(${n} + 1)/2 = ${(n * (n + 1)) / 2}. Proof by induction: for n = 1 both sides are 1. If the formula holds for n, then adding n + 1 gives n(n + 1)/2 + n + 1 = (n + 1)(n + 2)/2, which is the formula for n + 1. Hence it holds for all n.`;
  },
  (r) => {
    const [f, x, a] = [pick(r, 'fghu'), pick(r, 'xts'), 2 + r.int(7)];
    return `Let ${f}(${x}) = ${a}${x}^3 - ${a + 1}${x}. Its derivative is ${f}'(${x}) = ${3 * a}${x}^2 - ${a + 1}. Setting this equal to zero yields ${x}^2 = ${a + 1}/${3 * a}, so there are two critical points. Since ${f}''(${x}) = ${6 * a}${x}, the positive one is a local minimum and the negative one a local maximum.`;
  },
  (r) => {
    const [g, h] = [pick(r, 'GHKA'), pick(r, 'NSTB')];
    return `Let ${h} be a normal subgroup of a group ${g}. The map that sends g to its coset g${h} is a homomorphism from ${g} onto the quotient ${g}/${h}, and its kernel is ${h}. Thus every normal subgroup is the kernel of some homomorphism. Conversely the kernel of a homomorphism is normal, because for k in the kernel and any g the conjugate of k by g is mapped to the identity.`;
  },
  (r) => {
    const [a, b] = [3 + r.int(10), 3 + r.int(10)];
    return `A box contains ${a} red and ${b} blue balls. Two are drawn without replacement. The probability that both are red is (${a}/${a + b}) * (${a - 1}/${a + b - 1}) = ${a * (a - 1)}/${(a + b) * (a + b - 1)}. The probability that the colours differ is 2 * ${a} * ${b} / (${a + b} * ${a + b - 1}), since the order can be chosen in two ways.`;
  },
  (r) => {
    const [n, k] = [5 + r.int(8), 2 + r.int(3)];
    return `In how many ways can ${k} elements be chosen from a set of ${n} elements? There are ${n} choices for the first, ${n - 1} for the second, and so on; each subset is counted ${k}! times. So the number is the binomial coefficient C(${n}, ${k}) = ${n}! / (${k}! (${n} - ${k})!). By symmetry it equals C(${n}, ${n - k}).`;
  },
  (r) => {
    const [x, e] = [pick(r, 'axub'), r.pick(['epsilon', 'delta', 'eta'])];
    return `Assume that the sequence ${x}_n converges to both L and M. Given ${e} > 0 there is an N such that |${x}_n - L| < ${e} and |${x}_n - M| < ${e} whenever n > N. By the triangle inequality |L - M| < 2 ${e}. As ${e} was arbitrary, L = M. Hence limits are unique.`;
  },
  (r) => {
    const [a, b] = [2 + r.int(9), 2 + r.int(9)];
    return `In a right triangle the legs have lengths ${a} and ${b}. By the theorem of Pythagoras the square of the hypotenuse c is ${a}^2 + ${b}^2 = ${a * a + b * b}, so c = sqrt(${a * a + b * b}). The area is ${a} * ${b} / 2 = ${(a * b) / 2}, and the altitude h on the hypotenuse satisfies c * h / 2 = ${(a * b) / 2}.`;
  },
  (r) => {
    const [p, k] = [r.pick([5, 7, 11, 13, 17, 19]), 2 + r.int(3)];
    return `By Fermat's little theorem ${k}^${p - 1} is congruent to 1 modulo ${p}. Therefore ${k}^${p} = ${k} * ${k}^${p - 1} is congruent to ${k} modulo ${p}. To find the remainder of ${k}^${3 * (p - 1) + 2} on division by ${p}, write the exponent as 3 * ${p - 1} + 2; the remainder is that of ${k}^2, which is ${(k * k) % p}.`;
  },
  (r) => {
    const [v, w] = [pick(r, 'VUWX'), pick(r, 'TSAL')];
    return `Let ${w} be a linear map from a finite dimensional vector space ${v} to itself. If ${w} is injective, its kernel is zero, so by the rank formula the dimension of the image equals the dimension of ${v}. Consequently ${w} is surjective. In the basis e_1, ..., e_n the map is given by a matrix, and it is invertible if and only if its determinant is not zero.`;
  },
  (r) => {
    const [d, t1, t2] = [10 * num(r, 30), 20 + r.int(50), 20 + r.int(50)];
    return `Two cyclists start ${d} km apart and ride towards each other at ${t1} km/h and ${t2} km/h. Let t be the time in hours until they meet. Then ${t1}t + ${t2}t = ${d}, so ${t1 + t2}t = ${d} and t = ${d}/${t1 + t2}. The first cyclist has then covered ${t1} * ${d}/${t1 + t2} km.`;
  },
  (r) => {
    const [s, q] = [num(r), 2 + r.int(6)];
    return `The geometric series with first term ${s} and ratio 1/${q} converges, because the ratio is less than 1 in absolute value. Its sum S satisfies S = ${s} + S/${q}, so S(1 - 1/${q}) = ${s} and S = ${s * q}/${q - 1}. If the ratio were ${q}, the terms would grow without bound and the series would diverge.`;
  },
  (r) => {
    const [a, b, c] = [pick(r, 'ABX'), pick(r, 'CDY'), pick(r, 'fgh')];
    return `Definition. A function ${c} from ${a} to ${b} is injective if ${c}(x) = ${c}(y) implies x = y. It is surjective if for every y in ${b} there is an x in ${a} with ${c}(x) = y. Proposition. If ${c} has a left inverse, then ${c} is injective. Proof. Let g be a left inverse. If ${c}(x) = ${c}(y), then x = g(${c}(x)) = g(${c}(y)) = y.`;
  },
];

/** `count` pages of one to three pieces; the same for the same seed. */
export function plainMathematics(count: number, seed: number): MadePage[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const pieces = Array.from({ length: 1 + random.int(3) }, (_, j) =>
      templates[(i + 4 * j) % templates.length]!(random),
    );
    return { id: `plain-${i}`, text: pieces.join('\n') };
  });
}
