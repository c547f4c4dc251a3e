/**
 * What the rules look at: one step of an RL run as plain numbers, wherever they come from (a run that is going, its metrics.jsonl, another trainer's
 * log). Everything may be missing; a rule passes over a step without its numbers.
 */

/** One problem set at one evaluation. */
export interface BenchmarkResult {
  /** Empty for a run with one unnamed set. */
  name: string;
  /** 0 to 1. */
  accuracy?: number;
  /** Problems asked, where it is known: how far chance alone moves the accuracy. */
  problems?: number;
  /** Mean tokens of correct responses, else of all responses. */
  length?: number;
}

export interface Observation {
  step: number;
  /** Responses that the shares below were counted over. */
  samples?: number;
  /** Shares of the step's responses, 0 to 1: stuck in a repetition, beginning with the boxed answer, cut off at the allowed length. */
  repeating?: number;
  answerFirst?: number;
  truncated?: number;
  /** Share of prompts whose responses all got the same reward. */
  flatGroups?: number;
  /** Share of right responses among those sampled for training. */
  accuracy?: number;
  /** Mean tokens of a response. */
  length?: number;
  /** Most tokens a response may have. */
  cap?: number;
  /** Mean over tokens, nats. */
  entropy?: number;
  evaluations: readonly BenchmarkResult[];
}

/** The value in the upper middle: more than half of the values are at or below it. NaN of nothing. */
export function upperMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The value in the lower middle: more than half of the values are at or above it. NaN of nothing. */
export function lowerMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
