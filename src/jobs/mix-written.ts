/**
 * `mix-written.json`: the mixture of a shared job is there. Written last; it counts only for this plan, with the manifest that it was written for, and as
 * long as every file of that is there with its size.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { MixManifest } from '../stages/mix-manifest.ts';
import { arePresent } from '../stages/shard-marker.ts';
import type { BatchSurvey } from './batch-job.ts';

export interface WrittenMix {
  plan: string;
  ledger: Ledger;
  losses: BatchSurvey['losses'];
}

const fileName = 'mix-written.json';

/** For the manifest that lies in the folder. */
export async function writeWritten(folder: string, written: WrittenMix): Promise<void> {
  const marker = { ...written, manifest: sha256(await manifestIn(folder)) };
  await writeFileAtomic(
    join(folder, fileName),
    `${JSON.stringify({ ...marker, check: fingerprint(marker) })}\n`,
  );
}

/** Undefined unless the mixture is there, of this plan and whole. */
export async function readWritten(folder: string, plan: string): Promise<WrittenMix | undefined> {
  try {
    const { check, manifest, ...written } = JSON.parse(
      await readFile(join(folder, fileName), 'utf8'),
    ) as WrittenMix & { check: string; manifest: string };
    if (written.plan !== plan || check !== fingerprint({ ...written, manifest })) return undefined;
    const text = await manifestIn(folder);
    if (sha256(text) !== manifest) return undefined;
    return (await arePresent(folder, (JSON.parse(text) as MixManifest).files)) ? written : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function manifestIn(folder: string): Promise<string> {
  return readFile(join(folder, 'manifest.json'), 'utf8');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
