/** The storms and the stuck reader themselves, on a small Ink program that withstands them and on a program that does not. */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { resizeStorm, stuckReader } from './stress.ts';
import { closeTerminals, openTerminal, terminalProblem } from './terminal.ts';

const app = join(import.meta.dirname, 'sample-app.ts');
afterEach(closeTerminals);

describe.skipIf(terminalProblem !== undefined)('a program under stress', () => {
  test('shows after a storm of sizes what it showed before, and answers', async () => {
    const terminal = openTerminal({
      command: process.execPath,
      args: [app],
      env: { NODE_ENV: 'production' },
    });
    await terminal.waitFor('count 0');
    await terminal.press('up');
    await terminal.waitFor('count 1');
    const before = terminal.screen();
    const storm = await resizeStorm(terminal, /count 1[\s\S]*size 80x24/, { sizes: 15 });
    expect(storm.screen).toEqual(before);
    expect(storm.bytes).toBeGreaterThan(80 * 24);
    await terminal.press('up');
    await terminal.waitFor('count 2');
  });

  test('catches up after a reader that was stuck', async () => {
    const terminal = openTerminal({
      command: process.execPath,
      args: [app],
      env: { NODE_ENV: 'production' },
    });
    await terminal.waitFor('count 0');
    const press = async (): Promise<void> => {
      for (let i = 0; i < 30; i++) await terminal.press('up');
    };
    const stuck = await stuckReader(terminal, 'count 30', press, 100);
    expect(stuck.screen.join('\n')).toContain('count 30');
    expect(stuck.backlog).toBeGreaterThan(0);
  });

  test('is found out where it leaves what it drew for another size', async () => {
    // Writes its last line where the bottom is, and never erases where it was.
    const careless =
      "const draw = () => process.stdout.write('\\x1b[H' + 'ready' + '\\x1b[' + process.stdout.rows + ';1Hbottom'); process.stdout.on('resize', draw); process.stdout.write('\\x1b[?1049h'); draw(); setTimeout(() => {}, 60000)";
    const terminal = openTerminal({ command: process.execPath, args: ['-e', careless], lineMode: true });
    await terminal.waitFor('bottom');
    const before = terminal.screen();
    const storm = await resizeStorm(terminal, 'ready', { sizes: 15 });
    expect(storm.screen).not.toEqual(before);
  });
});
