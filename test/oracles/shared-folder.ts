/**
 * `../shared/data` for scripts, which cannot import test/io/shared-data.ts because that needs vitest.
 */
import { join } from 'node:path';

export const sharedFolder = join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
