/** The measures that an experiment names, checked when it is planned: a wrong name must not be found out when everything has run. */
import { InputError, UserError } from '../core/errors.ts';
import type { Grid } from './grid.ts';
import { evaluationNames, measureNamed, startMeasureOf } from './measures.ts';

/** The grid as it was given. Throws an InputError that names the place in the experiment's file, with what was probably meant. */
export function checkMeasures(grid: Grid, file: string): Grid {
  const evaluations = evaluationNames(grid);
  const at = (place: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new InputError(file, error.message, {
        place,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  };
  const { primary, smallest } = grid.measures;
  for (const [i, name] of primary.entries())
    at(`measures.primary.${i}`, () => measureNamed(name, evaluations));
  for (const name of Object.keys(smallest))
    at(`measures.smallest.${name}`, () => {
      measureNamed(name, evaluations);
      if (!primary.includes(name))
        throw new UserError(`${name} is no primary measure, and only those are compared`, {
          hint: `the primary measures are ${primary.join(', ')}`,
        });
    });
  const { calibration } = grid;
  if (calibration !== undefined)
    at('calibration.measure', () => startMeasureOf(calibration.measure, evaluations));
  return grid;
}
