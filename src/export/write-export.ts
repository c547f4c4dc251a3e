/**
 * Writes an export: texts and tables by atomic renames, large files as hard links (a copy where the file systems differ), and last
 * `export.json`, so that a folder without it is not whole. A folder with things of somebody else is refused before anything is written.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../core/errors.ts';
import { cannotWrite, writeFileAtomic } from '../io/atomic.ts';

/** What a pure plan wants written, paths relative to the export's folder. */
export interface ExportPlan {
  kind: 'nanotron' | 'verl';
  texts: readonly { path: string; text: string }[];
  /** Files taken over as they are. */
  files: readonly { from: string; to: string }[];
  /** What the other tool does otherwise than this one; the README has them too. */
  warnings: readonly string[];
}

export type TakeOver = 'link' | 'copy';

const marker = 'export.json';

/** Throws a `UserError` where `out` holds what no export of this kind wrote. */
export function assertExportFolder(out: string, kind: ExportPlan['kind']): void {
  if (!existsSync(out)) return;
  const there = readdirSync(out);
  if (there.length === 0) return;
  let found: unknown;
  try {
    found = (JSON.parse(readFileSync(path.join(out, marker), 'utf8')) as { kind?: unknown }).kind;
  } catch {
    // No marker, or an unreadable one: an export that was stopped has none, so its own file names are told apart from others.
    found = there.every((name) => partial[kind].test(name)) ? kind : undefined;
  }
  if (found === kind) return;
  throw new UserError(`--out ${out} is not empty and holds no ${kind} export`, {
    hint: 'give another --out, or an empty folder',
  });
}

const partial = {
  nanotron: /^(?:data|tokenizer|README\.md|[\w.-]+\.yaml|\..*)$/,
  verl: /^(?:train\.parquet|test\.parquet|reward\.py|README\.md|[\w.-]+\.sh|\..*)$/,
};

/** Writes everything but `export.json`, which `finishExport` adds. */
export async function writeExport(out: string, plan: ExportPlan, take: TakeOver = 'link'): Promise<void> {
  assertExportFolder(out, plan.kind);
  await mkdir(out, { recursive: true });
  await rm(path.join(out, marker), { force: true });
  if (plan.kind === 'nanotron') await rm(path.join(out, 'data'), { recursive: true, force: true });
  for (const { from, to } of plan.files) await takeOver(from, path.join(out, to), take);
  for (const { path: to, text } of plan.texts) {
    await mkdir(path.dirname(path.join(out, to)), { recursive: true });
    await writeFileAtomic(path.join(out, to), text);
  }
}

/** Marks the export as whole. `summary` says what it was made from. */
export async function finishExport(
  out: string,
  plan: ExportPlan,
  summary: Record<string, unknown>,
): Promise<void> {
  const text = { kind: plan.kind, ...summary, warnings: plan.warnings };
  await writeFileAtomic(path.join(out, marker), `${JSON.stringify(text, null, 2)}\n`);
}

async function takeOver(from: string, to: string, take: TakeOver): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  const temporary = path.join(path.dirname(to), `.${path.basename(to)}.taking`);
  await rm(temporary, { force: true });
  try {
    if (take === 'copy') await copyFile(from, temporary);
    else
      await link(from, temporary).catch((error: NodeJS.ErrnoException) => {
        // Another file system, or one without links.
        if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(error.code ?? '')) throw error;
        return copyFile(from, temporary);
      });
    await rename(temporary, to);
  } catch (error) {
    throw cannotWrite(to, error);
  }
}
