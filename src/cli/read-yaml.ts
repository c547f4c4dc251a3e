/** Reads a YAML config file for a command: a missing file, bad YAML or a wrong key is an error that names the place. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { InputError, messageOf } from '../core/errors.ts';

/** Parses `file` (relative to `cwd`) with `schema`. */
export async function readYaml<S extends z.ZodType>(
  schema: S,
  file: string,
  cwd: string,
): Promise<z.output<S>> {
  const full = path.resolve(cwd, file);
  let text: string;
  try {
    text = await readFile(full, 'utf8');
  } catch (cause) {
    throw new InputError(file, `cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'check the path; paths are relative to the folder you run in',
    });
  }
  const { parse, YAMLParseError } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const place =
      cause instanceof YAMLParseError && cause.linePos ? `line ${cause.linePos[0].line}` : undefined;
    throw new InputError(file, `not YAML: ${messageOf(cause).split('\n')[0]}`, {
      cause,
      ...(place === undefined ? {} : { place }),
    });
  }
  return parseConfig(schema, value ?? {}, file);
}
