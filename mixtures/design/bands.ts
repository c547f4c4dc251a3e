/**
 * The shares of QA, long chains of thought and instruction data that the paper used, to hold a design against (OctoThinker, sections 3
 * and 4). Only the QA band is a finding; the other two are the range of what the authors chose.
 */
import type { Evidence } from '../../src/core/evidence.ts';
import { qaBand } from '../plan.ts';
import type { Group } from './actions.ts';

export interface Band {
  group: Group;
  label: string;
  low: number;
  high: number;
  evidence: Evidence;
  /** What the paper says there. */
  meaning: string;
}

export const bands: readonly Band[] = [
  {
    group: 'qa',
    label: 'QA',
    low: qaBand.low,
    high: qaBand.high,
    evidence: 'summary',
    meaning: 'RL gained from each step up to 30 %, little more at 40 %',
  },
  {
    group: 'long-cot',
    label: 'long CoT',
    low: 0.1,
    high: 0.3,
    evidence: 'recalled',
    meaning: 'hybrid branch 10 %, long branch 30 %, short branch none',
  },
  {
    group: 'instruction',
    label: 'instruct',
    low: 0.01,
    high: 0.1,
    evidence: 'summary',
    meaning: '1 % steadied RL on long chains of thought; the decay branches have 10 %',
  },
];

/** Where a share lies; `slack` is what rounding to whole sequences may move it by. */
export function placeInBand(share: number, band: Band, slack: number): 'none' | 'below' | 'inside' | 'above' {
  if (share === 0) return 'none';
  if (share < band.low - slack) return 'below';
  return share > band.high + slack ? 'above' : 'inside';
}
