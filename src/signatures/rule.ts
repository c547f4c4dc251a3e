/** What a rule of failure is: thresholds with reasons, a small memory that is plain JSON, and a step's numbers in, a value and a verdict out. */
import type { z } from 'zod';
import type { Observation } from './observation.ts';

/** A rule's answer for a step that had its numbers. */
export interface Measured {
  /** What is held against the threshold; logged as `signature/<name>`. */
  value: number;
  holds: boolean;
  /** One sentence for people, when it holds. */
  text: string;
  /** Last step that still looked well, when it holds. */
  lastGood?: number;
}

export interface SignatureRule<S extends z.ZodType = z.ZodType, Memory = unknown> {
  readonly name: SignatureName;
  /** For people: `Repetition loop`. */
  readonly title: string;
  /** Which side of the threshold is bad. */
  readonly bad: 'above' | 'below';
  /** A value as people read it, `82.0 %` or `3.1 x`. */
  show(value: number): string;
  /** Thresholds with their defaults. */
  readonly schema: S;
  /** The rule in words, with these thresholds. */
  words(thresholds: z.output<S>): string;
  /** Memory at the start of a run. */
  start(): Memory;
  /** Takes a step in: `memory` is changed. `undefined`: the step had nothing for this rule, or there is too little yet. */
  observe(memory: Memory, seen: Observation, thresholds: z.output<S>): Measured | undefined;
}

export const signatureNames = [
  'repetition_loop',
  'premature_answer',
  'length_explosion',
  'length_slope',
  'length_saturation',
  'accuracy_collapse',
  'entropy_collapse',
  'entropy_explosion',
  'zero_variance_groups',
] as const;

export type SignatureName = (typeof signatureNames)[number];

export const inPercent = (share: number): string => `${(100 * share).toFixed(1)} %`;
