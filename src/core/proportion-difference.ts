/**
 * The interval of a difference of two shares from the Wilson interval of each (Newcombe 1998, method 10: the hybrid score interval). It takes the two
 * for independent; where the same problems were asked twice it is wider than it need be, so a climb that it shows is one.
 */
export interface Proportion {
  value: number;
  /** Wilson's interval, at the level wanted of the difference. */
  low: number;
  high: number;
}

/** second - first, with its interval. */
export function proportionDifference(first: Proportion, second: Proportion): Proportion {
  const value = second.value - first.value;
  return {
    value,
    low: value - Math.hypot(second.value - second.low, first.high - first.value),
    high: value + Math.hypot(second.high - second.value, first.value - first.low),
  };
}
