/**
 * Words that English prose hardly uses outside mathematics. Words that programmers, lawyers or sellers use as often are left
 * out on purpose (function, variable, field, group, ring, set, proof, multiple, value), because documentation of software is
 * what a math filter must tell apart.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import { WordList } from '../text/word-list.ts';

const mathWords = new WordList(
  (
    'theorem theorems lemma lemmas corollary corollaries conjecture conjectures axiom axioms equation equations ' +
    'inequality inequalities identity identities integer integers rational irrational numerator denominator fraction ' +
    'fractions polynomial polynomials quadratic cubic coefficient coefficients monomial binomial factorial exponent ' +
    'exponents exponential logarithm logarithms logarithmic modulo congruence congruent congruences divisor divisors ' +
    'divisible divisibility primes coprime gcd matrix matrices determinant determinants eigenvalue eigenvalues ' +
    'eigenvector eigenvectors vectors scalar scalars orthogonal orthonormal algebra algebras algebraic geometry geometric ' +
    'triangle triangles hypotenuse trigonometric cosine cosines sine sines tangent ellipse hyperbola parabola polygon ' +
    'polygons polyhedron perpendicular calculus derivative derivatives differentiable differential integral integrals ' +
    'integrable integrand antiderivative convergent divergent convergence infinity infinite infinitely finite ' +
    'topology topological manifold manifolds homeomorphism isomorphism isomorphic homomorphism homomorphisms morphism ' +
    'automorphism bijection bijective injective surjective subgroup subgroups semigroup semigroups abelian permutation ' +
    'permutations combinatorial combinatorics cardinality subset subsets probability variance asymptotic arithmetic ' +
    'mathematics mathematical mathematician mathematicians euclidean cartesian hypothesis provable summation'
  ).split(' '),
  { anyCase: true },
);

export interface MathWordCounts {
  /** Occurrences. */
  total: number;
  /** Different words. */
  distinct: number;
}

/** Counts over the words of the document as the rules see it, whatever their case. */
export function countMathWords(document: MeasuredText): MathWordCounts {
  const { words, counts, vocabulary } = document.tokens;
  const places = mathWords.places(vocabulary);
  const found = new Set<number>();
  let total = 0;
  for (let id = 0; id < words.length; id++) {
    const place = places[words[id]!]!;
    if (place === 0) continue;
    total += counts[id]!;
    found.add(place);
  }
  return { total, distinct: found.size };
}
