/**
 * What an experiment names that lies outside it: files and folders of the user's own, by their content, and pipelines by name or file. The plan asks for
 * these and for nothing else, so that it stays a pure function of the experiment and of what this finds.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { InputError } from '../core/errors.ts';
import { loadPipeline } from '../stages/load-pipeline.ts';
import { isPlain, type Plain } from './overlay.ts';

export interface OwnInputs {
  /** An absolute path. */
  resolve(path: string): string;
  /** Fingerprint of a file or a folder. Throws an `InputError` where nothing is. */
  contentOf(path: string): string;
  /** A pipeline's keys, and the folder where relative paths in it start. */
  pipeline(nameOrFile: string): { value: Plain; folder: string };
}

/** `folder`: where relative paths start, the experiment's own; `file`: the experiment, for messages. */
export function ownInputs(folder: string, file: string): OwnInputs {
  const known = new Map<string, string>();
  const at = (path: string): string => resolve(folder, path);
  return {
    resolve: at,
    contentOf(path) {
      const full = at(path);
      let content = known.get(full);
      if (content === undefined) {
        if (!existsSync(full))
          throw new InputError(file, `names ${path}, and there is nothing at ${full}`, {
            hint: 'mend the path; it is relative to the experiment',
          });
        known.set(full, (content = fingerprintOf(full)));
      }
      return content;
    },
    pipeline(nameOrFile) {
      const { text } = loadPipeline(nameOrFile, folder);
      const value: unknown = parse(text);
      return {
        value: isPlain(value) ? value : {},
        folder: existsSync(at(nameOrFile)) ? dirname(at(nameOrFile)) : folder,
      };
    },
  };
}

/** Of a longer file size, beginning and end are read: enough to notice another file, without hours over weights. */
const wholeUpTo = 64 * 1024 * 1024;

function fingerprintOf(path: string): string {
  const hash = createHash('sha256');
  const add = (place: string, name: string): void => {
    const stat = statSync(place);
    if (stat.isDirectory()) {
      for (const inner of readdirSync(place).sort())
        if (!inner.startsWith('.')) add(join(place, inner), `${name}/${inner}`);
      return;
    }
    hash.update(`${name} ${stat.size}\n`);
    if (stat.size <= wholeUpTo) hash.update(readFileSync(place));
    else for (const start of [0, stat.size - wholeUpTo / 2]) hash.update(piece(place, start, wholeUpTo / 2));
  };
  add(path, '');
  return hash.digest('hex').slice(0, 16);
}

function piece(path: string, start: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, start));
  } finally {
    closeSync(fd);
  }
}
