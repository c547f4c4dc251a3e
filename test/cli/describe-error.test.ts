/** Which exit code and which words an error gets. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { describeError, type ErrorSituation } from '../../src/cli/describe-error.ts';
import { InputError, InterruptedError, invariant, UserError } from '../../src/core/errors.ts';

const calm: ErrorSituation = { interrupted: false, version: '9.9.9' };
const stopped: ErrorSituation = { ...calm, interrupted: true };

describe('an error that the user can mend', () => {
  test('is its message and its hint, and ends with 1', () => {
    expect(describeError(new UserError('a.yaml: no sources', { hint: 'name one' }), calm)).toEqual({
      lines: ['error: a.yaml: no sources', 'hint: name one'],
      exitCode: 1,
    });
    expect(describeError(new InputError('a.parquet', 'not Parquet', { place: 'byte 0' }), calm)).toEqual({
      lines: ['error: a.parquet (byte 0): not Parquet'],
      exitCode: 1,
    });
  });

  test('is a path that the system refused', async () => {
    const thrown: unknown = await readFile('/nowhere/at/all.yaml').catch((error: unknown) => error);
    expect(describeError(thrown, calm)).toEqual({
      lines: [
        'error: /nowhere/at/all.yaml: no such file or folder',
        'hint: check the path; relative paths start at the current folder',
      ],
      exitCode: 1,
    });
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(describeError(full, calm)).toMatchObject({
      lines: ['error: no space left on the disk', expect.anything()],
      exitCode: 1,
    });
  });

  test('stays one after Ctrl-C', () => {
    expect(describeError(new UserError('bad'), stopped).exitCode).toBe(1);
  });

  test('carries no control sequences to the terminal', () => {
    expect(describeError(new UserError('\x1b]0;owned\x07a\x1b[2J.html: bad'), calm).lines).toEqual([
      'error: a.html: bad',
    ]);
  });
});

describe('a stop', () => {
  test('is not a failure: 130, and how to go on', () => {
    for (const error of [new InterruptedError(), new DOMException('aborted', 'AbortError')]) {
      expect(describeError(error, stopped)).toEqual({
        lines: ['interrupted; what was finished is on disk, run the same command again to go on'],
        exitCode: 130,
      });
    }
  });

  test('may say more', () => {
    expect(
      describeError(new InterruptedError('stopped at step 40; checkpoint in runs/a'), stopped).lines,
    ).toEqual(['stopped at step 40; checkpoint in runs/a']);
  });

  test('that nobody asked for is a bug', () => {
    expect(describeError(new DOMException('aborted', 'AbortError'), calm).exitCode).toBe(70);
  });
});

describe('a bug', () => {
  test('shows message, stack, cause, version and where to report it, and ends with 70', () => {
    const error = new Error('outer', { cause: new TypeError('inner') });
    const { lines, exitCode } = describeError(error, { ...calm, bugsUrl: 'https://example.org/issues' });
    expect(exitCode).toBe(70);
    const text = lines.join('\n');
    expect(text).toMatch(/^bug: outer\nError: outer\n {4}at /);
    expect(text).toContain('TypeError: inner');
    expect(text).toContain('midtrain 9.9.9 (node v');
    expect(text).toContain('https://example.org/issues');
  });

  test('is a broken invariant, a missing file without a path, and anything thrown that is no error', () => {
    let broken: unknown;
    try {
      invariant(false, 'never');
    } catch (error) {
      broken = error;
    }
    const pathless = Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    for (const thrown of [broken, pathless, 'a string', undefined, null, { odd: true }]) {
      expect(describeError(thrown, calm).exitCode).toBe(70);
    }
  });
});
