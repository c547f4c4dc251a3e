/** Why nothing could be read from a log's text, in words, with what to do: for files that look right and are not. Pure. */
import { isConsoleLog } from './console-row.ts';
import { csvRows } from './parse-log.ts';

export interface LogProblem {
  problem: string;
  hint: string;
}

const accepted =
  'give metrics.jsonl, trainer_state.json, a printed log of TRL or verl, wandb chart exports (CSV) or TensorBoard event files';

export function logProblem(text: string): LogProblem {
  const start = text.slice(0, 4096);
  if (start.trim() === '') return { problem: 'is empty', hint: accepted };
  if (start.includes('\u0000') || start.includes('\ufffd')) return { problem: 'is no text', hint: accepted };
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(start))
    return { problem: 'is a web page and no log', hint: accepted };
  if (isConsoleLog(text) || /^\s*[[{]/.test(start)) {
    return {
      problem: 'holds no row of metrics with a step',
      hint: 'rows need a step (step, global_step, _step or Step); trainer_state.json needs its log_history',
    };
  }
  const header = csvRows(start.split('\n', 1)[0]!)[0] ?? [];
  if (header.length < 2) return { problem: 'holds no metrics', hint: accepted };
  if (header.some((name) => /^Wall time$/i.test(name)) && header.some((name) => /^Value$/i.test(name)))
    return {
      problem: 'is a download of one curve from TensorBoard, which does not say of which metric',
      hint: 'give the event files (events.out.tfevents.*) instead',
    };
  if (/^(?:Relative Time|Wall Time|Time)/i.test(header[0]!))
    return {
      problem: `has ${header[0]} as its x axis, and rows need a step`,
      hint: 'set the x axis of the chart to Step before exporting it',
    };
  if (header.includes('Name') && header.includes('State'))
    return {
      problem: 'is an export of the table of runs: one row a run and no steps',
      hint: 'export the charts (three dots on a chart, Export CSV)',
    };
  const shown = header.slice(0, 6).join(', ');
  return {
    problem: `has no step column; its first columns are ${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}`,
    hint: 'a CSV needs a column named step, Step, _step or global_step, with numbers',
  };
}
