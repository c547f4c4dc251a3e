/**
 * A long job that does nothing but report progress, run by the tests (and by hand, to look at the display) through the real
 * `main`: `node test/tui/fake-job.ts job --seconds 20`. Needs dist/, because the display is TSX.
 *
 * Flags: --seconds <n>, --deaf (ignores the abort signal), --fail, --bug, --print (writes results while it runs),
 * --warnings <n>, --evil (names with control sequences).
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from '../../src/cli/command.ts';

const built = process.env.MIDTRAIN_TEST_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
if (!existsSync(`${built}/src/main.js`))
  throw new Error(`${built}/src/main.js is missing: build first (tsc -p tsconfig.json)`);
const { main } = (await import(`${built}/src/main.js`)) as typeof import('../../src/main.ts');
const { atExit } = (await import(
  `${built}/src/core/cleanup.js`
)) as typeof import('../../src/core/cleanup.ts');
const { InterruptedError, UserError } = (await import(
  `${built}/src/core/errors.js`
)) as typeof import('../../src/core/errors.ts');

const command: Command = {
  name: 'job',
  summary: 'pretends to work',
  options: [
    { flags: '--seconds <n>', description: 'how long', default: 5, parse: Number },
    { flags: '--warnings <n>', description: 'how many warnings', default: 2, parse: Number },
    { flags: '--deaf', description: 'ignore the abort signal' },
    { flags: '--fail', description: 'end with a mistake of the user' },
    { flags: '--bug', description: 'end with a bug' },
    { flags: '--print', description: 'write results while running' },
    { flags: '--evil', description: 'emit control sequences' },
    { flags: '--json', description: 'as JSON' },
  ],
  examples: [{ command: 'job --seconds 1', what: 'one second' }],
  async run({ emit, signal, write, json }, _args, options) {
    atExit(() => {
      process.stderr.write('device destroyed\n');
    });
    const evil = options.evil === true ? '\x1b]0;owned\x07\x1b[2Jevil\x1b[31m' : '';
    const seconds = options.seconds as number;
    emit({ kind: 'start', task: 'filter', total: 4000, unit: 'documents' });
    for (let done = 0; done <= 4000; done += 400) {
      emit({
        kind: 'progress',
        task: 'filter',
        done,
        unit: 'documents',
        numbers: { kept: done * 0.61, dropped: done * 0.39 },
      });
      await sleep(40);
    }
    emit({
      kind: 'end',
      task: 'filter',
      done: 4000,
      unit: 'documents',
      seconds: 0.44,
      numbers: { kept: 2440 },
    });
    for (let i = 0; i < (options.warnings as number); i++) {
      emit({
        kind: 'message',
        level: 'warn',
        text: `pages/${evil}broken-${i % 60}.html (byte 812): not UTF-8`,
      });
    }
    emit({ kind: 'message', level: 'info', text: `mixing 3 sources at 1,024 tokens a sequence ${evil}` });
    const steps = Math.max(1, Math.round(seconds * 20));
    const task = `train stable${evil}`;
    emit({ kind: 'start', task, total: steps, unit: 'steps' });
    for (let step = 0; step <= steps; step++) {
      if (signal.aborted && options.deaf !== true) throw new InterruptedError();
      const loss = 1.9 + 3 * Math.exp((-5 * step) / steps) + 0.1 * Math.sin(step);
      const numbers = {
        loss,
        learning_rate: 3e-3,
        grad_norm: 0.8 + 0.3 * Math.cos(step),
        'tokens/s': 12_480 + step,
      };
      const evalLoss = step % 10 === 0 ? { eval_loss: loss + 0.1 } : {};
      emit({ kind: 'progress', task, done: step, unit: 'steps', numbers: { ...numbers, ...evalLoss } });
      if (options.print === true && step % 20 === 0) write(`sample at step ${step}\n`);
      await sleep(50);
    }
    emit({ kind: 'end', task, done: steps, unit: 'steps', seconds, numbers: { loss: 1.91 } });
    if (options.fail === true) throw new UserError('pages/x.html: not a page', { hint: 'give a page' });
    if (options.bug === true) throw new TypeError('x is not a function');
    write(json ? `${JSON.stringify({ steps })}\n` : `trained ${steps} steps\n`);
    return 0;
  },
};

await main(process.argv.slice(2), [
  { name: 'job', summary: command.summary, load: async () => ({ command }) },
]);
