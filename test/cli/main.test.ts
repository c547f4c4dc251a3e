/** The program as a whole, run as a user runs it: exit codes, mistakes, help, pipes, signals, and a terminal with Ctrl-C. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hasTerminal, repository, runCli, runInTerminal } from '../run-cli.ts';

/** A pretended long job through the real `main`. */
const script = join(repository, 'test/tui/fake-job.ts');

describe.concurrent('help and version', () => {
  test('--help lists the commands on standard output and ends with 0', async () => {
    const { code, stdout, stderr } = await runCli(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: midtrain <command>');
    expect(stdout).toMatch(/^ {2}devices {2,}show the GPU/m);
    expect(stderr).toBe('');
  });

  test('no command at all shows the same on standard error and ends with 1', async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('Usage: midtrain <command>');
  });

  test('`help <command>` is `<command> --help`', async () => {
    const [asked, flagged] = await Promise.all([runCli(['help', 'devices']), runCli(['devices', '--help'])]);
    expect(asked.stdout).toBe(flagged.stdout);
    expect(asked.stdout).toContain('Usage: midtrain devices [options]');
    expect([asked.code, flagged.code]).toEqual([0, 0]);
  });

  test('--version prints the version of package.json', async () => {
    const { code, stdout } = await runCli(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe.concurrent('mistakes on the command line', () => {
  const mistakes: [name: string, args: string[], error: string, hint: string | RegExp][] = [
    ['an unknown command', ['devcies'], 'unknown command "devcies"', 'did you mean "midtrain devices"?'],
    [
      'an unknown flag',
      ['devices', '--jsn'],
      'midtrain devices: unknown flag --jsn',
      /did you mean --json\?/,
    ],
    [
      'a flag before the command',
      ['--json', 'devices'],
      'the flag --json stands before the command',
      /write the command first/,
    ],
    [
      'a flag without its value',
      ['devices', '--adapter'],
      'midtrain devices: the flag --adapter <text> needs a value',
      /--help/,
    ],
    [
      'an argument too many',
      ['devices', 'gpu0'],
      'midtrain devices: too many arguments: gpu0',
      /it takes none/,
    ],
  ];
  for (const [name, args, error, hint] of mistakes) {
    test(`${name} ends with 1, an error and a hint`, async () => {
      const { code, stdout, stderr } = await runCli(args);
      expect([code, stdout]).toEqual([1, '']);
      const lines = stderr.trimEnd().split('\n');
      expect(lines.length).toBe(2);
      expect(lines[0]).toMatch(/^error: /);
      expect(lines[0]).toContain(error);
      expect(lines[1]!.replace(/^hint: /, '')).toMatch(hint instanceof RegExp ? hint : literally(hint));
    });
  }
});

describe.concurrent('a command', () => {
  test('that succeeds ends with 0, its result on standard output and one line per event on standard error', async () => {
    const { code, stdout, stderr } = await runCli(['job', '--seconds', '0.5', '--json'], { script });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ steps: 10 });
    // On a very slow machine lines of progress stand between these.
    expect(stderr.split('\n').filter((line) => !/^[a-z ]+: \d+/.test(line))).toEqual([
      'filter: start, 4,000 documents',
      expect.stringMatching(/^filter: done, 4,000 documents in 0\.4 s/),
      'warning: pages/broken-0.html (byte 812): not UTF-8',
      'warning: pages/broken-1.html (byte 812): not UTF-8',
      expect.stringMatching(/^mixing 3 sources/),
      'train stable: start, 10 steps',
      expect.stringMatching(/^train stable: done, 10 steps in 0\.5 s.*loss 1\.910/),
      'device destroyed',
      '',
    ]);
  });

  test('prints no control sequence that a file brought along', async () => {
    const { stdout, stderr } = await runCli(['job', '--seconds', '0.1', '--evil'], { script });
    expect(stderr).toContain('evil');
    expect(stdout + stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  });

  test("that throws a user's mistake ends with 1 and cleans up", async () => {
    const { code, stderr } = await runCli(['job', '--seconds', '0.1', '--fail'], { script });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: pages\/x\.html: not a page\nhint: give a page\ndevice destroyed\n$/);
  });

  test('that breaks ends with 70, the stack, and where to report it', async () => {
    const { code, stderr } = await runCli(['job', '--seconds', '0.1', '--bug'], { script });
    expect(code).toBe(70);
    expect(stderr).toContain('bug: x is not a function');
    expect(stderr).toMatch(/ {4}at .*fake-job\.ts:\d+/);
    expect(stderr).toMatch(/This is a bug in midtrain \d.*not your mistake/);
    expect(stderr).toMatch(/device destroyed\n$/);
  });

  test('whose reader went away (| head -1) ends quietly with 0', async () => {
    const { code, stderr } = await runCli(['job', '--seconds', '30', '--print'], {
      script,
      during: async (child) => {
        await new Promise((resolve) => child.stdout!.once('data', resolve));
        child.stdout!.destroy();
      },
    });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/EPIPE|error|bug/);
  });

  test('goes on when nobody reads its progress', async () => {
    const { code, stdout } = await runCli(['job', '--seconds', '1'], {
      script,
      during: async (child) => {
        await new Promise((resolve) => child.stderr!.once('data', resolve));
        child.stderr!.destroy();
      },
    });
    expect([code, stdout]).toEqual([0, 'trained 20 steps\n']);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`stops after the current step at the first ${signal} and ends with 130`, async () => {
      const { code, stderr } = await runCli(['job', '--seconds', '30'], {
        script,
        during: async (child) => {
          await saying(child, 'train stable: start');
          child.kill(signal);
        },
      });
      expect(code).toBe(130);
      expect(stderr).toMatch(
        /stopping after the current step; press again to quit at once\ntrain stable: stopped at \d+\/600 steps.*\ninterrupted; .*run the same command again to go on\ndevice destroyed\n$/,
      );
    });
  }

  test('that does not stop is ended by the second Ctrl-C at once, devices destroyed', async () => {
    const { code, stderr, seconds } = await runCli(['job', '--seconds', '30', '--deaf'], {
      script,
      during: async (child) => {
        await saying(child, 'train stable: start');
        child.kill('SIGINT');
        await saying(child, 'stopping after');
        await sleep(200);
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(seconds).toBeLessThan(25);
    expect(stderr).toMatch(/device destroyed\n$/);
  });
});

const ifTerminal = hasTerminal ? describe.concurrent : describe.skip;
ifTerminal('on a terminal (a pseudo-terminal, from util-linux script)', () => {
  test('Ctrl-C in the middle stops cleanly and leaves a readable scrollback', async () => {
    const run = await runInTerminal(['job', '--seconds', '30'], { script });
    await run.shows(/\d+ \/ 600 steps .*ETA/);
    await run.shows(/loss [\d.]+ +eval_loss [\d.]+/);
    run.type('\x03');
    expect(await run.ended).toBe(130);
    const lines = run.terminal.text().split('\n');
    expect(lines.filter((line) => line.startsWith('done filter')).length).toBe(1);
    expect(lines.filter((line) => line.includes('stopped train stable')).length).toBe(1);
    // Nothing of the live frame is left: no bar, no time left.
    expect(run.terminal.text()).not.toMatch(/[━─]|ETA/);
    expect(lines.slice(-3)).toEqual([
      'interrupted; what was finished is on disk, run the same command again to go on',
      'device destroyed',
      'exit code 130',
    ]);
    expect(run.terminal.cursorVisible).toBe(true);
  });

  test('a second Ctrl-C ends a job that does not listen, and gives the cursor back', async () => {
    const run = await runInTerminal(['job', '--seconds', '30', '--deaf'], { script });
    await run.shows('ETA');
    run.type('\x03');
    await run.shows('stopping after the current step');
    run.type('\x03');
    expect(await run.ended).toBe(130);
    expect(run.terminal.cursorVisible).toBe(true);
  });

  test('results on standard output stand above the display, in order', async () => {
    const run = await runInTerminal(['job', '--seconds', '3', '--print', '--evil'], { script });
    expect(await run.ended).toBe(0);
    const lines = run.terminal.text().split('\n');
    const samples = lines.filter((line) => line.startsWith('sample at step'));
    expect(samples).toEqual([
      'sample at step 0',
      'sample at step 20',
      'sample at step 40',
      'sample at step 60',
    ]);
    const done = lines.findIndex((line) => line.startsWith('done train stable'));
    expect(done).toBeGreaterThan(lines.indexOf('sample at step 60'));
    expect(lines.indexOf('trained 60 steps')).toBeGreaterThan(done);
    expect(run.terminal.title).toBe('');
  });

  test('CI and --json get plain lines, also on a terminal', async () => {
    const runs = await Promise.all([
      runInTerminal(['job', '--seconds', '0.2'], { script, env: { CI: 'true' } }),
      runInTerminal(['job', '--seconds', '0.2', '--json'], { script }),
    ]);
    for (const run of runs) {
      expect(await run.ended).toBe(0);
      expect(run.terminal.text()).toContain('train stable: start, 4 steps');
    }
  });
});

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

/** Resolves when the program has said this on standard error. */
function saying(child: { stderr: NodeJS.ReadableStream | null }, what: string): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    const listen = (text: string): void => {
      said += text;
      if (!said.includes(what)) return;
      child.stderr!.off('data', listen);
      resolve();
    };
    child.stderr!.on('data', listen);
  });
}
