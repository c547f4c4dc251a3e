/** Opens a file for reading, or says in an `InputError` which one and why not. */
import { type FileHandle, open } from 'node:fs/promises';
import { InputError, messageOf } from '../core/errors.ts';

/** The caller closes the handle. */
export async function openInput(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new InputError(path, `cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}
