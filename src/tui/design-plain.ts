/** A design without a terminal: the plan and what follows from it as text or JSON, for pipes and scripts. Pure. */
import { planTable } from '../../mixtures/plan-table.ts';
import type { DesignSession } from './design-session.ts';
import { durationText, exactAmount } from './design-summary.ts';
import { bytesOf } from './figures.ts';

type Exported = ReturnType<DesignSession['exported']>;

export function designText(exported: Exported): string {
  const { plan, estimate, model, batchTokens, flopsPerSecond } = exported;
  const disk = estimate.diskBytes;
  const time =
    estimate.seconds === undefined || flopsPerSecond === null
      ? 'training time: give --tflops'
      : `training time of ${model}: ${durationText(estimate.seconds)} at ${flopsPerSecond / 1e12} TFLOP/s`;
  return [
    planTable(plan).trimEnd(),
    `${estimate.steps.toLocaleString('en-US')} steps of ${exactAmount(batchTokens)} tokens`,
    time,
    `disk: ${bytesOf(disk.total)} (shards ${bytesOf(disk.shards)}, index ${bytesOf(disk.index)}, provenance ${bytesOf(disk.provenance)}, cache ${bytesOf(disk.cache)})`,
    `command: ${exported.command}`,
    '',
  ].join('\n');
}

export function designJson(exported: Exported): string {
  return `${JSON.stringify(exported, null, 2)}\n`;
}
