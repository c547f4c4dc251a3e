/**
 * The live display of a running job on a terminal (Ink): finished tasks and messages go up into the scrollback, the tasks at work
 * stay below with bar, rate, time left, numbers and curves.
 *
 * It draws on standard error at most ten times a second, at any width from 60 columns (fewer work, with the bar left out), and
 * follows a resize. It never reads the keyboard, so the terminal is not in raw mode and Ctrl-C reaches the process as a signal.
 */
import { Box, render, Static, Text, useStderr } from 'ink';
import { useEffect, useState } from 'react';
import { LogLine } from './log-line.tsx';
import type { Progress } from './progress.ts';
import type { ProgressModel } from './progress-model.ts';
import { TaskPanel } from './task-panel.tsx';
import { watchFrame } from './watch-frame.ts';

/** Also without news the clock and the time left move on. */
const redrawMs = 250;

interface Streams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Seconds. */
  clock: () => number;
}

/** Starts drawing `model`, which the returned `emit` feeds. */
export function mountProgressApp(model: ProgressModel, { stdout, stderr, clock }: Streams): Progress {
  let writeAbove: ((text: string) => void) | undefined;
  const takeWriter = (write: (text: string) => void): void => {
    writeAbove = write;
  };
  const frame = watchFrame(stderr);
  const view = () => (
    <ProgressApp
      model={model}
      clock={clock}
      columns={stderr.columns}
      rows={stderr.rows}
      onWriter={takeWriter}
    />
  );
  // Ink draws on what it calls stdout. Its "stderr" is then the real stdout: text written there goes above the frame.
  const streams = { stdout: frame.stream, stderr: stdout };
  const app = render(view(), {
    ...streams,
    exitOnCtrlC: false,
    patchConsole: true,
    maxFps: 10,
    interactive: true,
  });
  const redraw = (): void => app.rerender(view());
  frame.followResize(redraw);
  /** Text after the last newline, held back: the frame would be drawn into the unfinished line. */
  let partial = '';
  return {
    emit: (event) => {
      // What goes into the scrollback goes at once, so that it stands in order with what is printed.
      if (model.apply(event, clock()).length > 0) redraw();
    },
    print: (text) => {
      if (!stdout.isTTY || writeAbove === undefined) {
        stdout.write(text);
        return;
      }
      const whole = partial + text;
      const end = whole.lastIndexOf('\n') + 1;
      partial = whole.slice(end);
      if (end > 0) writeAbove(whole.slice(0, end));
    },
    close: async () => {
      model.close(clock());
      redraw();
      await app.waitUntilRenderFlush();
      app.clear();
      app.unmount();
      await app.waitUntilExit();
      frame.stop();
      if (partial !== '') stdout.write(partial);
    },
  };
}

interface AppProps {
  model: ProgressModel;
  clock: () => number;
  columns: number;
  rows: number;
  /** Hands out the function that writes to standard output above the frame. */
  onWriter: (write: (text: string) => void) => void;
}

export function ProgressApp({ model, clock, columns, rows, onWriter }: AppProps) {
  const { write } = useStderr();
  useEffect(() => onWriter(write), [onWriter, write]);
  useRedraw(redrawMs);
  const now = clock();
  const tasks = [...model.running.values()];
  // A frame as high as the terminal would scroll it; what does not fit is counted, the latest tasks are shown.
  const room = Math.max(1, Math.floor((rows - 4) / 4));
  const shown = tasks.length > room ? tasks.slice(-room) : tasks;
  const chartRows = tasks.length > 1 || rows < 16 ? 0 : rows < 24 ? 3 : Math.min(10, Math.floor(rows / 4));
  const newest = shown.reduce<number>(
    (best, task, i) => (task.updatedAt >= shown[best]!.updatedAt ? i : best),
    0,
  );
  return (
    <>
      <Static items={[...model.log]}>
        {(entry, index) => <LogLine key={index} entry={entry} columns={columns} />}
      </Static>
      <Box flexDirection="column">
        {tasks.length > shown.length && (
          <Text dimColor>{`${tasks.length - shown.length} more tasks at work`}</Text>
        )}
        {shown.map((task, index) => (
          <TaskPanel
            key={task.name}
            task={task}
            now={now}
            columns={columns}
            rowsBelow={tasks.length > 1 ? 0 : Math.max(0, rows - chartRows - 10)}
            chartRows={index === newest ? Math.max(chartRows, rows >= 24 + 4 * shown.length ? 3 : 0) : 0}
          />
        ))}
        {model.warningCount > 0 && shown.length > 0 && (
          <Text color="yellow">
            {`${model.warningCount.toLocaleString('en-US')} warning${model.warningCount === 1 ? '' : 's'} so far`}
          </Text>
        )}
      </Box>
    </>
  );
}

function useRedraw(everyMs: number): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((n) => n + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
