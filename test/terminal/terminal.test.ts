/** The pseudo-terminal that other tests drive programs with: keys, waiting, sizes, colours, flicker, a stuck reader, and no process left. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { keyBytes } from './keys.ts';
import { closeTerminals, openTerminal, type TerminalOptions, terminalProblem } from './terminal.ts';

const app = join(import.meta.dirname, 'sample-app.ts');
const openApp = (options: Partial<TerminalOptions> = {}) =>
  openTerminal({ command: process.execPath, args: [app], ...options });
const openShell = (script: string, options: Partial<TerminalOptions> = {}) =>
  openTerminal({ command: '/bin/sh', args: ['-c', script], ...options });
const openNode = (script: string, options: Partial<TerminalOptions> = {}) =>
  openTerminal({ command: process.execPath, args: ['-e', script], ...options });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A dead process that nobody has buried yet is dead.
    return !existsSync(`/proc/${pid}/stat`) || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

afterEach(closeTerminals);

describe.skipIf(terminalProblem !== undefined)('a terminal', () => {
  test('drives an Ink program: keys, typing, escape, resizing, exit code', async () => {
    const terminal = openApp({ columns: 60, rows: 14 });
    await terminal.waitFor('count 0');
    expect(terminal.alternateScreen).toBe(true);
    expect(terminal.screen()[0]).toBe(`╭${'─'.repeat(58)}╮`);
    await terminal.press('up', 'up', 'shift+up', 'down');
    await terminal.waitFor('count 11');
    await terminal.type('0.35');
    await terminal.waitFor('typed [0.35]');
    await terminal.press('esc', 'up');
    await terminal.waitFor((rows) => /count 12/.test(rows[1]!) && /escaped/.test(rows[2]!));
    await terminal.paste('x y');
    await terminal.waitFor('typed [escapedx y]');
    terminal.resize(80, 20);
    await terminal.waitFor('size 80x20');
    await terminal.waitFor((rows) => rows.length === 20 && rows[19]!.endsWith('╯') && rows[0]!.length === 80);
    const { pid } = terminal;
    await terminal.press('q');
    expect(await terminal.ended).toEqual({ code: 3, signal: undefined });
    expect(terminal.alternateScreen).toBe(false);
    expect(isAlive(pid)).toBe(false);
  });

  test('measures how long a key takes to show, and leaves out what it waits', async () => {
    const terminal = openApp();
    await terminal.waitFor('count 0');
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(await terminal.latency('up'));
    await terminal.waitFor('count 5');
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(Math.min(...times)).toBeLessThan(500);
    const slow = openNode(
      "process.stdin.setRawMode(true).on('data', () => setTimeout(() => console.log('answer'), 200)); console.log('ready')",
    );
    await slow.waitFor('ready');
    const ms = await slow.latency('x', { until: 'answer' });
    expect(ms).toBeGreaterThanOrEqual(199);
    expect(ms).toBeLessThan(10_000);
  });

  test('says what the screen was when what it waits for never comes, or the program ends first', async () => {
    const terminal = openShell('printf "only this"; sleep 30', { columns: 20, rows: 2 });
    await terminal.waitFor('only this');
    await expect(terminal.waitFor(/other/, 50)).rejects.toThrow(
      /never showed \/other\/ within 50 ms:\n\+-{20}\+\n\|only this {11}\|/,
    );
    const ended = openShell('printf done; exit 4');
    await expect(ended.waitFor('more')).rejects.toThrow(/before the program ended \(code 4\)[\s\S]*\|done/);
    await expect(ended.press('a')).rejects.toThrow(/has ended \(code 4\)/);
  });

  test('kills a program that ignores the hang-up, and what it started', async () => {
    const terminal = openShell('trap "" HUP; sleep 100 & echo child $!; while :; do sleep 1; done');
    await terminal.waitFor(/child \d+/);
    const child = Number(/child (\d+)/.exec(terminal.text())![1]);
    expect(isAlive(child)).toBe(true);
    expect((await terminal.close(100)).signal).toBe(9);
    // The kernel may take a moment to bury it.
    for (let i = 0; i < 200 && isAlive(child); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isAlive(child)).toBe(false);
  });

  test('reads cells with their colours and styles, wide characters too', async () => {
    const terminal = openShell(
      'printf "\\033[1;31mA\\033[0;7mB\\033[0;38;5;208;48;2;1;2;3mC\\033[0;2;4mD\\033[0m\\344\\270\\255E"; sleep 30',
    );
    await terminal.waitFor('E');
    const [row] = terminal.cells();
    expect(row![0]).toMatchObject({ character: 'A', bold: true, foreground: { palette: 1 } });
    expect(row![1]).toMatchObject({ character: 'B', inverse: true, bold: false });
    expect(row![2]).toMatchObject({ foreground: { palette: 208 }, background: { rgb: 0x010203 } });
    expect(row![3]).toMatchObject({ dim: true, underline: true });
    expect(row!.slice(4, 7).map((c) => [c.character, c.width])).toEqual([
      ['中', 2],
      ['', 0],
      ['E', 1],
    ]);
    expect(row![0]).not.toHaveProperty('background');
  });

  describe('notices a flicker', () => {
    // Eight full lines, then three times erased and drawn again, each as `redraw` says.
    const program = (redraw: string): string => `
      const lines = (n) => Array.from({ length: 8 }, (_, i) => 'line ' + i + ' of frame ' + n + '\\r\\n').join('');
      const write = (text) => new Promise((done) => process.stdout.write(text, done));
      await write(lines(0));
      for (let n = 1; n <= 3; n++) { ${redraw} }
      await write('finished');
      setInterval(() => {}, 1000);`;
    const run = async (redraw: string, synchronised = true): Promise<number> => {
      const terminal = openTerminal({
        command: process.execPath,
        args: ['--input-type=module', '-e', program(redraw)],
        synchronised,
      });
      await terminal.waitFor('finished');
      return terminal.blankFrames;
    };

    test('when a frame is erased and drawn, in one write or two', async () => {
      expect(await run("await write('\\x1b[2J\\x1b[H' + lines(n))")).toBe(3);
      expect(await run("await write('\\x1b[2J\\x1b[H'); await write(lines(n))")).toBe(3);
      expect(await run("await write('\\x1b[2K\\x1b[1A'.repeat(8) + '\\x1b[2K\\x1b[G' + lines(n))")).toBe(3);
    });

    test('but not within a synchronised update, unless the terminal knows none', async () => {
      const redraw = "await write('\\x1b[?2026h\\x1b[2J\\x1b[H'); await write(lines(n) + '\\x1b[?2026l')";
      expect(await run(redraw)).toBe(0);
      expect(await run(redraw, false)).toBe(3);
    });

    test('and not when lines are overwritten one by one', async () => {
      expect(await run("await write('\\x1b[H' + lines(n).replaceAll('\\r\\n', '\\x1b[K\\r\\n'))")).toBe(0);
      const terminal = openApp();
      await terminal.waitFor('count 0');
      for (let i = 1; i <= 3; i++) {
        await terminal.press('up');
        await terminal.waitFor(`count ${i}`);
      }
      expect(terminal.blankFrames).toBe(0);
    });
  });

  test('holds the screen back while an update is open', async () => {
    const terminal = openNode(
      "process.stdout.write('before\\x1b[?2026h\\x1b[2J\\x1b[Hafter'); process.stdin.once('data', () => process.stdout.write('\\x1b[?2026l'))",
      { lineMode: true },
    );
    await terminal.waitFor(() => terminal.bytesWritten >= 26);
    expect(terminal.text().trim()).toBe('before');
    await terminal.press('enter');
    await terminal.waitFor(/^after/);
  });

  test('can leave a program waiting for its reader, and catches up without loss', async () => {
    const terminal = openNode(
      "for (let i = 0; i < 20000; i++) process.stdout.write('row ' + i + '\\n'); process.stdout.write('end')",
      { rows: 10 },
    );
    await terminal.waitFor('row ');
    terminal.pauseReading();
    terminal.resumeReading();
    await terminal.ended;
    expect(terminal.screen().slice(-2)).toEqual(['row 19999', 'end']);
    // A terminal makes two bytes of a line feed.
    const text = Array.from({ length: 20000 }, (_, i) => `row ${i}\r\n`).join('');
    expect(terminal.bytesWritten).toBe(text.length + 3);
  });
});

test('keys are what xterm sends', () => {
  expect(
    ['up', 'shift+right', 'ctrl+alt+home', 'ctrl+c', 'alt+x', 'shift+tab'].map((k) => keyBytes(k)),
  ).toEqual(['\x1b[A', '\x1b[1;2C', '\x1b[1;7H', '\x03', '\x1bx', '\x1b[Z']);
  expect(
    ['enter', 'esc', 'space', 'backspace', 'delete', 'pageup', 'f1', 'f5', '?', '+'].map((k) => keyBytes(k)),
  ).toEqual(['\r', '\x1b', ' ', '\x7f', '\x1b[3~', '\x1b[5~', '\x1bOP', '\x1b[15~', '?', '+']);
  expect(keyBytes('up', true)).toBe('\x1bOA');
  expect(() => keyBytes('upp')).toThrow(/no key is named "upp"/);
  expect(() => keyBytes('0.35')).toThrow(/type\(\) types text/);
});
