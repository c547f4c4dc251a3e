/**
 * The documents of a unit that the dedup steps drop: `dedup/<unit>.drops`, entries of two unsigned little-endian words, the document's
 * index in `signals/` and the place of the step in the pipeline's list, ascending by index.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../core/errors.ts';

export function dropListPath(unit: string): string {
  return join('dedup', `${unit}.drops`);
}

export function encodeDropList(drops: readonly { index: number; step: number }[]): Uint8Array {
  const bytes = new Uint8Array(drops.length * 8);
  const view = new DataView(bytes.buffer);
  drops.forEach(({ index, step }, i) => {
    view.setUint32(8 * i, index, true);
    view.setUint32(8 * i + 4, step, true);
  });
  return bytes;
}

/** Step by index of the document. */
export function readDropList(folder: string, unit: string): Map<number, number> {
  const path = join(folder, dropListPath(unit));
  const bytes = readFileSync(path);
  if (bytes.length % 8 !== 0) {
    throw new InputError(path, `${bytes.length} bytes is no whole number of 8-byte entries`, {
      hint: 'the file is damaged; run the job again, which makes it anew',
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const drops = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += 8)
    drops.set(view.getUint32(at, true), view.getUint32(at + 4, true));
  return drops;
}
