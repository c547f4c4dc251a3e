/** The text of a file that may be absent, which is no error; anything else that keeps it from being read is. */
import { readFileSync } from 'node:fs';

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
