/** What package.json says about this program: read only when it is shown (`--version`, bug reports). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../io/package-root.ts';

export function packageInfo(): { version: string; bugsUrl: string | undefined } {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  const { version, bugs } = JSON.parse(text) as { version: string; bugs?: string | { url?: string } };
  return { version, bugsUrl: typeof bugs === 'string' ? bugs : bugs?.url };
}
