/** Which file a job has to run: this program's src/main.ts, or dist/src/main.js where it runs compiled. */
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../io/worker-url.ts';

/** Not src/bin: that would build first in a clone, and start a second process on an old Node, which SIGTERM would not reach. */
export function ownProgram(): { node: string; main: string } {
  return { node: process.execPath, main: fileURLToPath(workerUrl('../main', import.meta.url)) };
}
