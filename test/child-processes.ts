/** The processes that a process has started, as Linux tells. For tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((task) => {
    const children = path.join(tasks, task, 'children');
    return existsSync(children)
      ? readFileSync(children, 'utf8').trim().split(' ').filter(Boolean).map(Number)
      : [];
  });
}
