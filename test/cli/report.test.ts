import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { command } from '../../src/cli/report.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { grpoRun, wholeWay, writeRunFolders } from '../report/make-run-records.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

async function report(args: string[], options: Record<string, unknown> = {}) {
  let output = '';
  const events: ProgressEvent[] = [];
  const context = {
    emit: (event: ProgressEvent) => void events.push(event),
    signal: new AbortController().signal,
    write: (text: string) => void (output += text),
    json: options.json === true,
    cwd,
  };
  const exitCode = await command.run(context, args, { out: 'report.html', ...options });
  return { exitCode, output, warnings: events.flatMap((e) => (e.kind === 'message' ? [e.text] : [])) };
}

describe('midtrain report', () => {
  it('makes one page of every run below a folder, and Markdown beside it', async () => {
    writeRunFolders(join(cwd, 'runs'), wholeWay());
    const { exitCode, output } = await report(['runs'], {
      out: 'out/all.html',
      markdown: true,
      title: 'Five runs',
    });
    expect(exitCode).toBe(0);
    expect(output).toContain('report   out/all.html');
    const page = readFileSync(join(cwd, 'out/all.html'), 'utf8');
    expect(page).toContain('<h1>Five runs</h1>');
    expect(page).toContain('midtrain report runs --out out/all.html --title &#39;Five runs&#39; --markdown');
    for (const id of ['way', 'runs', 'filter', 'mix', 'train', 'grpo', 'reproduce'])
      expect(page).toContain(`<section id="${id}">`);
    expect(readFileSync(join(cwd, 'out/all.md'), 'utf8')).toMatch(/^# Five runs\n/);
  });

  it('finds the whole way behind one run with --follow-parents, and without it says what is not shown', async () => {
    writeRunFolders(join(cwd, 'runs'), wholeWay());
    const alone = JSON.parse((await report(['runs/grpo'], { json: true })).output);
    expect(alone.runs.map((r: { command: string }) => r.command)).toEqual(['grpo']);
    expect(alone.missing.join(' ')).toContain('use --follow-parents');
    const followed = JSON.parse((await report(['runs/grpo'], { json: true, followParents: true })).output);
    expect(followed.runs.map((r: { label: string }) => r.label)).toEqual([
      'math web pages',
      'decay long 30 %',
      'tiny stable',
      'tiny decay',
      'addition',
    ]);
    expect(followed.missing).toEqual([]);
    expect(followed.signatures[0].verdict).toBe('No collapse seen in 21 evaluations.');
  });

  it('finds parents that are written relative to the run folder', async () => {
    const way = wholeWay();
    const dirs = writeRunFolders(join(cwd, 'runs'), way);
    const path = join(dirs.at(-1)!, 'run.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...record, parents: ['../decay/checkpoint-1600'] }));
    // A checkpoint need not be on disk for its run to be found by a sibling's relative path, but its run must be.
    mkdirSync(join(cwd, 'runs/decay/checkpoint-1600'));
    const { output } = await report(['runs'], { json: true });
    expect(JSON.parse(output).missing).toEqual([]);
  });

  it('leaves out a damaged run among good ones, says so, and ends with 2', async () => {
    const dirs = writeRunFolders(join(cwd, 'runs'), wholeWay());
    writeFileSync(join(dirs[1]!, 'run.json'), '{"version": 1, "command": "mi');
    const { exitCode, warnings } = await report(['runs']);
    expect(exitCode).toBe(2);
    expect(warnings.join()).toContain('runs/mix');
    expect(readFileSync(join(cwd, 'report.html'), 'utf8')).toContain(
      'Left out, it could not be read: runs/mix',
    );
  });

  it('reads a run that was killed while it wrote a line', async () => {
    const [dir] = writeRunFolders(join(cwd, 'runs'), [grpoRun()]);
    appendFileSync(join(dir!, 'metrics.jsonl'), '{"step": 121, "rewa');
    appendFileSync(join(dir!, 'rollouts.jsonl'), '{"step": 121, "prompt": "Que');
    const { exitCode, warnings } = await report(['runs/grpo']);
    expect({ exitCode, warnings }).toEqual({ exitCode: 0, warnings: [] });
  });

  it('counts and names lines that are no rollouts', async () => {
    const [dir] = writeRunFolders(join(cwd, 'runs'), [grpoRun()]);
    appendFileSync(join(dir!, 'rollouts.jsonl'), '[1]\n{"step": "x"}\nnull\n');
    const { warnings } = await report(['runs/grpo']);
    expect(warnings).toEqual(['runs/grpo/rollouts.jsonl: 3 lines that are not rollouts are left out']);
  });

  it('refuses a folder without runs and a path that is not there, and writes nothing', async () => {
    mkdirSync(join(cwd, 'empty'));
    await expect(report(['empty'])).rejects.toThrow(
      'empty: neither it nor the folders inside it have a run.json or a log',
    );
    await expect(report(['nowhere'])).rejects.toThrow('nowhere: there is no such file or folder');
    writeFileSync(join(cwd, 'file'), '');
    await expect(report(['file'])).rejects.toThrow('file: is empty');
    expect(existsSync(join(cwd, 'report.html'))).toBe(false);
  });

  it('gives the same bytes when made again', async () => {
    writeRunFolders(join(cwd, 'runs'), wholeWay());
    await report(['runs']);
    const first = readFileSync(join(cwd, 'report.html'), 'utf8');
    await report(['runs']);
    expect(readFileSync(join(cwd, 'report.html'), 'utf8') === first).toBe(true);
  });
});
