/** `midtrain report` on experiments: the page of one, from its folder or an export of it, or two beside each other. */
import { join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { AblationInput } from '../report/ablation-data.ts';
import type { AblationReport } from '../report/ablation-report.ts';

/** Cheap: whether any argument is an experiment's folder. Throws a UserError for one that holds experiments, whose runs would be hundreds. */
export async function namesAblation(cwd: string, args: readonly string[]): Promise<boolean> {
  const { existsSync, readdirSync, statSync } = await import('node:fs');
  const isOne = (folder: string): boolean => existsSync(join(folder, 'grid.json'));
  for (const arg of args) {
    const folder = resolve(cwd, arg);
    if (isOne(folder)) return true;
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const inside = readdirSync(folder).filter((name) => isOne(join(folder, name)));
    if (inside.length > 0)
      throw new UserError(`${arg} holds experiments: ${inside.sort().join(', ')}`, {
        hint: `give one of them, or two to compare: midtrain report ${join(arg, inside[0]!)}`,
      });
  }
  return false;
}

export interface AblationReportRead {
  inputs: AblationInput[];
  report: AblationReport;
}

/** Throws a UserError for more than two experiments, or an experiment beside a run or a log. */
export async function readAblationReport(
  cwd: string,
  args: readonly string[],
  title: string | undefined,
): Promise<AblationReportRead> {
  const [{ isAblationFolder, readAblation }, { renderAblation }, { renderAblationComparison }] =
    await Promise.all([
      import('../ablate/report-grid.ts'),
      import('../report/ablation-report.ts'),
      import('../report/ablation-comparison.ts'),
    ]);
  const other = args.find((arg) => !isAblationFolder(resolve(cwd, arg)));
  if (other !== undefined)
    throw new UserError(`${other} is not the folder of an experiment, and another of these is`, {
      hint: 'give one experiment, or two to compare; runs and logs in a report of their own',
    });
  if (args.length > 2)
    throw new UserError(
      `${args.length} experiments were given; a report shows one, or two beside each other`,
      {
        hint: 'make a report of each',
      },
    );
  const inputs: AblationInput[] = [];
  for (const arg of args) inputs.push(await readAblation(resolve(cwd, arg)));
  const [first, second] = inputs as [AblationInput, AblationInput?];
  const titled = title === undefined ? first : { ...first, title };
  return {
    inputs,
    report: second === undefined ? renderAblation(titled) : renderAblationComparison(titled, second),
  };
}

/** What the terminal shows: the answer of each. */
export async function ablationAnswers(inputs: readonly AblationInput[]) {
  const [{ ablationClaims }, { answerOf }] = await Promise.all([
    import('../report/ablation-claims.ts'),
    import('../report/ablation-answer.ts'),
  ]);
  return inputs.map((input) => {
    const claims = ablationClaims(input);
    return {
      name: input.name,
      question: input.question,
      answer: answerOf(input, claims),
      claims: claims.claims.map(({ measure, comparison, claim }) => ({
        measure: measure.name,
        first: comparison.first,
        second: comparison.second,
        verdict: claim.verdict,
        text: claim.text,
        warnings: claim.warnings,
      })),
    };
  });
}
