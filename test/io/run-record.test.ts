/**
 * Run folders, metrics that survive a kill, atomic files.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError, UserError } from '../../src/core/errors.ts';
import { AtomicFile, removeLeftovers, writeFileAtomic, writeFileAtomicSync } from '../../src/io/atomic.ts';
import { sha256OfFile } from '../../src/io/file-hash.ts';
import { readJsonLines, writeJsonLines } from '../../src/io/jsonl.ts';
import { packageRoot, packageVersions } from '../../src/io/package-root.ts';
import { MetricsWriter, readMetrics, readRun, startRun } from '../../src/io/run-record.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();

describe('startRun', () => {
  it('writes run.json at once, and finishes it with status, time and summary', () => {
    const dir = join(folder, 'run');
    const run = startRun(dir, { command: 'filter', name: 'demo', config: { seed: 1 } });
    expect(readRun(dir).record).toMatchObject({
      status: 'running',
      command: 'filter',
      versions: { node: process.versions.node },
    });
    run.metrics.append({ step: 1, loss: 2.5 });
    run.update({ summary: { a: 1 }, warnings: ['careful'] });
    run.finish('done', { b: 2 });
    const { record, metrics } = readRun(dir);
    expect(record).toMatchObject({ status: 'done', summary: { a: 1, b: 2 }, warnings: ['careful'] });
    expect(record.seconds).toBeGreaterThanOrEqual(0);
    expect(metrics).toEqual([{ step: 1, loss: 2.5 }]);
  });

  it('is refused where there is no run, or a damaged one', () => {
    expect(() => readRun(folder)).toThrow(UserError);
    const dir = join(folder, 'damaged');
    mkdirSync(dir);
    writeFileSync(join(dir, 'run.json'), '{"version": 1, ');
    expect(() => readRun(dir)).toThrow(InputError);
    writeFileSync(join(dir, 'run.json'), '{"version": 1}');
    expect(() => readRun(dir)).toThrow(/command/);
  });
});

describe('metrics.jsonl', () => {
  it('loses only the line a kill cut short, and goes on behind the last whole one', () => {
    const path = join(folder, 'metrics.jsonl');
    const writer = new MetricsWriter(path);
    for (let step = 1; step <= 3; step++) writer.append({ step, loss: 1 / step });
    writer.close();
    appendFileSync(path, '{"step": 4, "lo');
    expect(readMetrics(path).map((row) => row.step)).toEqual([1, 2, 3]);
    const next = new MetricsWriter(path);
    next.append({ step: 4, loss: 0.25 });
    next.close();
    expect(readMetrics(path).map((row) => row.step)).toEqual([1, 2, 3, 4]);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(5);
  });

  it('keeps NaN and Infinity visible', () => {
    const path = join(folder, 'nan.jsonl');
    const writer = new MetricsWriter(path);
    writer.append({ step: 1, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY, phase: 'stable' });
    writer.close();
    expect(readMetrics(path)).toEqual([
      { step: 1, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY, phase: 'stable' },
    ]);
  });

  it('forgets steps that a resumed run will do again', () => {
    const path = join(folder, 'rewind.jsonl');
    const writer = new MetricsWriter(path);
    for (let step = 1; step <= 5; step++) writer.append({ step });
    writer.rewind((row) => row.step > 3);
    writer.append({ step: 4, loss: 1 });
    writer.close();
    expect(readMetrics(path)).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }, { step: 4, loss: 1 }]);
  });

  it('names a bad line in the middle', () => {
    const path = join(folder, 'bad.jsonl');
    writeFileSync(path, '{"step":1}\nnonsense\n{"step":2}\n');
    expect(() => readMetrics(path)).toThrow(/line 2/);
  });
});

describe('atomic files', () => {
  it('appear whole or not at all, and leftovers of a kill are removed', async () => {
    const dir = join(folder, 'atomic');
    await writeFileAtomic(join(dir, 'a.txt'), 'one');
    writeFileAtomicSync(join(dir, 'b.txt'), 'two');
    const file = await AtomicFile.create(join(dir, 'c.txt'));
    await file.write(Buffer.from('half'));
    expect(existsSync(join(dir, 'c.txt'))).toBe(false);
    expect(await removeLeftovers(dir)).toBe(1);
    expect(readdirSync(dir).sort()).toEqual(['a.txt', 'b.txt']);
    await file.abort();
  });

  it('report size and sha256 of what they hold', async () => {
    const path = join(folder, 'sum.bin');
    const file = await AtomicFile.create(path);
    await file.write(Buffer.from('ab'));
    await file.write(Buffer.from('c'));
    const { bytes, sha256 } = await file.commit();
    expect(bytes).toBe(3);
    // sha256 of "abc", FIPS 180-2 appendix B.1.
    expect(sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await sha256OfFile(path)).toBe(sha256);
  });

  it('say why they cannot be written', async () => {
    const blocker = join(folder, 'blocker');
    writeFileSync(blocker, '');
    await expect(writeFileAtomic(join(blocker, 'x'), 'x')).rejects.toThrow();
    const dir = join(folder, 'target-is-folder');
    mkdirSync(join(dir, 'x'), { recursive: true });
    await expect(writeFileAtomic(join(dir, 'x'), 'x')).rejects.toThrow();
    expect(readdirSync(dir)).toEqual(['x']);
  });
});

describe('small JSON lines', () => {
  it('come back as they were, 64-bit integers too', async () => {
    const path = join(folder, 'rows.jsonl');
    const rows = [{ a: 1, b: ['x', null] }, { a: 9007199254740993n }];
    await writeJsonLines(path, rows);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1,"b":["x",null]}\n{"a":9007199254740993}\n');
    expect((await readJsonLines(path))[0]).toEqual(rows[0]);
    writeFileSync(path, '{"a":1}\noops\n');
    await expect(readJsonLines(path)).rejects.toThrow(/line 2/);
  });
});

describe('the package', () => {
  it('finds itself and its versions', () => {
    expect(existsSync(join(packageRoot(), 'package.json'))).toBe(true);
    expect(packageVersions()).toMatchObject({
      midtrain: expect.stringMatching(/^\d/) as string,
      hyparquet: expect.stringMatching(/^\d/) as string,
    });
  });
});
