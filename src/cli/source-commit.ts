/** The commit of a clone that midtrain runs from, read from its .git folder without starting git; undefined for an installed package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../io/package-root.ts';

export function sourceCommit(root: string = packageRoot()): string | undefined {
  const read = (name: string): string | undefined => {
    const file = join(root, '.git', name);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  };
  try {
    const head = read('HEAD');
    const ref = /^ref: (refs\/[\w./-]+)$/.exec(head ?? '')?.[1];
    if (ref === undefined) return shortCommit(head);
    const packed = read('packed-refs')
      ?.split('\n')
      .find((line) => line.endsWith(` ${ref}`));
    return shortCommit(read(ref) ?? packed?.split(' ')[0]);
  } catch {
    return undefined; // a worktree, whose .git is a file
  }
}

function shortCommit(text: string | undefined): string | undefined {
  return /^[0-9a-f]{40,64}$/.test(text ?? '') ? text!.slice(0, 12) : undefined;
}
