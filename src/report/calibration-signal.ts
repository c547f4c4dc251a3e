/** Whether a calibration shows that RL climbs; for the claims of a report and for the grid that waits on it. Pure. */
import type { CalibrationPair } from './ablation-data.ts';

/** Within every seed the last evaluation lies above the first, by more than the choice of problems explains. */
export function climbsEverywhere(pairs: readonly CalibrationPair[]): boolean {
  return pairs.length > 0 && pairs.every(({ climb }) => climb !== undefined && climb.low > 0);
}
