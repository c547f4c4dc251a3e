/**
 * McNemar's test of two graders of the same problems, exact: of the problems that only one of two models solves, is the split further from even
 * than chance? Two-sided binomial; `midP` counts half of the observed outcome, since the exact test is conservative where few problems differ
 * (Fagerland, Lydersen and Laake 2013).
 */
export interface McNemar {
  /** Two-sided exact p. */
  exact: number;
  midP: number;
}

/** `onlyFirst` and `onlySecond`: problems that only the one of them has right. No such problem: nothing speaks for a difference, p is 1. */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  let tail = 0;
  let last = 0;
  // log C(n, i) - n log 2, from i = 0 up.
  let log = -n * Math.LN2;
  for (let i = 0; i <= fewer; i++) {
    if (i > 0) log += Math.log(n - i + 1) - Math.log(i);
    last = Math.exp(log);
    tail += last;
  }
  return { exact: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - last) };
}
