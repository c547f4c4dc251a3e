/** One JSON value in a small file that a person or another tool may have changed. What it holds is for the caller to check. */
import { readFile } from 'node:fs/promises';
import { InputError, messageOf } from '../core/errors.ts';

/** Throws `InputError` when the file cannot be read or is not JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(path, `cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(path, `not JSON: ${messageOf(error)}`, { cause: error });
  }
}
