/**
 * What one page may cost. A page beyond a limit is refused with a message or handled by a cheaper route; it never
 * takes unbounded time, memory or stack.
 */
import { UserError } from '../core/errors.ts';

export interface ExtractLimits {
  /** UTF-16 code units of HTML. Larger pages are refused. */
  readonly characters: number;
  /** Start tags kept after scripts, styles and the like are gone. Pages with more are refused. */
  readonly elements: number;
  /** Nesting depth; deeper tags are ignored, their text is kept. */
  readonly depth: number;
  /** Sum of the depths of all elements up to which Readability (which rereads subtrees) is used. */
  readonly readabilityWork: number;
  /** Sum of depths from which on only shallow nesting is kept, so that looking into subtrees stays cheap. */
  readonly depthSum: number;
  /** Attributes kept per tag. */
  readonly attributes: number;
}

export const defaultLimits: ExtractLimits = {
  characters: 16_000_000,
  elements: 120_000,
  depth: 160,
  readabilityWork: 400_000,
  depthSum: 5_000_000,
  attributes: 48,
};

/** The error for a page beyond a limit; `what` says which, with numbers. */
export function pageTooLarge(url: string | undefined, what: string): UserError {
  return new UserError(`${url ?? 'page'}: ${what}`, {
    hint: 'such pages are data dumps or broken markup; leave them out or split them before extraction',
  });
}
