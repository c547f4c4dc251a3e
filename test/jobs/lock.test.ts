/** The folder lock: refuses a second run, does not outlive its process. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockName, takeLock } from '../../src/jobs/lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'midtrain-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('takeLock', () => {
  it('refuses a folder in use, and names the process', () => {
    const lock = takeLock(folder);
    expect(() => takeLock(folder)).toThrow(new RegExp(`process ${process.pid}`));
    lock.release();
    takeLock(folder).release();
    expect(existsSync(join(folder, lockName))).toBe(false);
  });

  it('takes over the lock of a process that was killed', () => {
    const script = `import { takeLock } from ${JSON.stringify(new URL('../../src/jobs/lock.ts', import.meta.url).href)};
      takeLock(${JSON.stringify(folder)}); process.kill(process.pid, 'SIGKILL');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(child.signal).toBe('SIGKILL');
    expect(existsSync(join(folder, lockName))).toBe(true);
    takeLock(folder).release();
  });

  it('takes over a lock whose process id now belongs to another process', () => {
    writeFileSync(
      join(folder, lockName),
      JSON.stringify({ host: hostname(), pid: process.pid, started: '1' }),
    );
    if (process.platform === 'linux') takeLock(folder).release();
    else expect(() => takeLock(folder)).toThrow();
  });

  it('does not take over a lock of another host, which it cannot check', () => {
    writeFileSync(join(folder, lockName), JSON.stringify({ host: 'elsewhere', pid: 1, started: '1' }));
    expect(() => takeLock(folder)).toThrow(/host elsewhere/);
  });
});
