/**
 * Whether a folder may take a mixture. Writing one replaces `shards/`, `heldout/`, `per-source/` and `tokenizer/` whole, and `run.json`
 * and `manifest.json`; so a folder with such things of somebody else (another command's run, shards of another tool) is refused before
 * anything is read or written.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../core/errors.ts';

/** What a mixture replaces in its folder. */
const replaced = ['shards', 'heldout', 'per-source', 'tokenizer', 'samples.md', 'manifest.json'];

/** Throws a `UserError` when `output` is no folder, or holds what `mix` did not write there. `overwrite` does not change that. */
export function assertMixOutput(output: string): void {
  let at = output;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (!statSync(at).isDirectory()) {
    throw new UserError(
      `--out ${output}: ${at === output ? 'that is a file, not a folder' : `${at} is a file`}`,
      { hint: 'give another --out; a mixture is a folder' },
    );
  }
  if (at !== output) return;
  const command = commandOf(output);
  if (command === 'mix') return;
  if (command !== undefined) {
    throw new UserError(`--out ${output} holds the run of another command (${command})`, {
      hint: 'give another --out; a mixture would replace its run.json',
    });
  }
  const there = readdirSync(output);
  const foreign = there.filter((name) => replaced.includes(name));
  if (foreign.length === 0) return;
  throw new UserError(
    `--out ${output} holds ${foreign.join(', ')} and no run.json of a mixture, so it is not known whose they are`,
    { hint: 'give another --out, or move them away; a mixture would replace them' },
  );
}

/**
 * The command whose run lies in a folder; `mix` too where its record is gone or damaged, and its manifest or token cache is there. A job that
 * many machines share has no record before its end, but a plan.
 */
function commandOf(folder: string): string | undefined {
  const record = read(join(folder, 'run.json'));
  if (typeof record?.command === 'string') return record.command;
  const manifest = read(join(folder, 'manifest.json'));
  if (Array.isArray(manifest?.sources) && manifest.windowTokens !== undefined) return 'mix';
  const plan = read(join(folder, 'plan.json'));
  if (typeof plan?.command === 'string') return plan.command;
  const cache = join(folder, 'cache');
  const caches = statSync(cache, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(cache) : [];
  return caches.some((name) => name.endsWith('.tokens')) ? 'mix' : undefined;
}

function read(path: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
