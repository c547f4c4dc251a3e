/** Opens the shared job in a folder, whatever its command. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { mixPlanName } from '../stages/mix-plan.ts';
import { openFilterBatch } from './batch-filter.ts';
import type { BatchJob } from './batch-job.ts';
import { openMixBatch } from './batch-mix.ts';

/** Throws a `UserError` when the folder holds no job that can be shared, or its plan is damaged. */
export async function openBatchJob(folder: string): Promise<BatchJob> {
  const isMix = existsSync(join(folder, mixPlanName));
  const isFilter = existsSync(join(folder, 'plan.json'));
  if (isMix) return openMixBatch(folder);
  if (isFilter) return openFilterBatch(folder);
  throw new UserError(
    existsSync(folder)
      ? `${folder} holds no job that many machines share: there is no plan.json and no ${mixPlanName}`
      : `${folder}: there is no such folder`,
    { hint: 'give the folder that midtrain filter or midtrain mix writes to (--out)' },
  );
}
