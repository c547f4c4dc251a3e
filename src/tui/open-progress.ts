/**
 * Opens the progress display that fits: the Ink app when standard error is a terminal, plain lines otherwise.
 *
 * Ink and React are loaded only for a terminal, and only at the first event, so that short commands never pay for them. Events
 * that arrive while they load are in the model already; lines printed meanwhile wait. A task shorter than that still leaves its
 * lines.
 */

import { messageOf } from '../core/errors.ts';
import { PlainProgress } from './plain-progress.ts';
import type { Progress } from './progress.ts';
import { ProgressModel } from './progress-model.ts';

export interface ProgressOptions {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Plain lines even on a terminal (`--json`, CI). */
  plain: boolean;
}

const clock = (): number => performance.now() / 1000;

export function openProgress(options: ProgressOptions): Progress {
  return options.plain || !options.stderr.isTTY ? plainProgress(options) : inkProgress(options);
}

function plainProgress({ stdout, stderr }: ProgressOptions): Progress {
  const plain = new PlainProgress();
  const say = (lines: string[]): void => {
    for (const line of lines) stderr.write(`${line}\n`);
  };
  return {
    emit: (event) => say(plain.linesFor(event, clock())),
    print: (text) => void stdout.write(text),
    close: async () => say(plain.closingLines(clock())),
  };
}

function inkProgress(options: ProgressOptions): Progress {
  const { stdout, stderr } = options;
  const model = new ProgressModel();
  let mounted: Progress | undefined;
  let mounting: Promise<void> | undefined;
  let waiting: string[] = [];

  const mount = async (): Promise<void> => {
    // React's development build costs 3.6 times the processor time per frame.
    process.env.NODE_ENV ??= 'production';
    try {
      const { mountProgressApp } = await import('./progress-app.tsx');
      mounted = mountProgressApp(model, { stdout, stderr, clock });
    } catch (error) {
      stderr.write(`warning: the progress display cannot start (${messageOf(error)}); plain lines instead\n`);
      mounted = plainProgress(options);
    }
    for (const text of waiting) mounted.print(text);
    waiting = [];
  };
  const ensure = (): Promise<void> => (mounting ??= mount());

  return {
    emit: (event) => {
      if (mounted !== undefined) return mounted.emit(event);
      model.apply(event, clock());
      void ensure();
    },
    print: (text) => {
      if (mounted !== undefined) mounted.print(text);
      else if (mounting !== undefined) waiting.push(text);
      else stdout.write(text);
    },
    close: async () => {
      await mounting;
      await mounted?.close();
    },
  };
}
