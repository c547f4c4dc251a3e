/**
 * `mix-shards.json`: the arrangement of a shared mixture (mix-arrangement.ts), from which any machine writes any shard. It counts for one plan, and is made
 * anew when it is damaged.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { finishedManifest } from '../stages/mix.ts';
import type { MixArrangement } from '../stages/mix-arrangement.ts';

const fileName = 'mix-shards.json';
const version = 1;

/** `plan`: the hash of the job's plan. */
export async function writeArranged(
  folder: string,
  plan: string,
  arrangement: MixArrangement,
): Promise<void> {
  const text = JSON.stringify({ version, plan, arrangement });
  await writeFileAtomic(join(folder, fileName), `{"check":"${sha256(text)}","shards":${text}}\n`);
}

/** Undefined when there is none of this plan, or another mixture was finished in the folder since. */
export async function readArranged(folder: string, plan: string): Promise<MixArrangement | undefined> {
  try {
    const text = await readFile(join(folder, fileName), 'utf8');
    const { check, shards } = JSON.parse(text) as {
      check: string;
      shards: { version: number; plan: string; arrangement: MixArrangement };
    };
    const own = text.slice(text.indexOf('"shards":') + 9, text.lastIndexOf('}'));
    if (check !== sha256(own) || shards.version !== version || shards.plan !== plan) return undefined;
    const found = await finishedManifest(folder, true);
    return found === undefined || found.key === shards.arrangement.key ? shards.arrangement : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
