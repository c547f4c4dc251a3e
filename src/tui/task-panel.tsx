/** One task at work: name and bar, amount with rate and time left, the current numbers, and curves of the telling ones. */
import { Box, Text } from 'ink';
import { amountOf, countOf, durationOf, figure, rateOf } from './figures.ts';
import { estimateOf, percentOf, type TaskState } from './progress-model.ts';
import { TaskCharts } from './task-charts.tsx';

interface TaskPanelProps {
  task: TaskState;
  /** Seconds on the model's clock. */
  now: number;
  columns: number;
  /** Height of the curves; 0 leaves them out. */
  chartRows: number;
  /** Rows for a table of parts below the curves, where it does not fit beside them. */
  rowsBelow: number;
}

const narrowestBar = 10;
const widestBar = 60;

export function TaskPanel({ task, now, columns, chartRows, rowsBelow }: TaskPanelProps) {
  const { rate, secondsLeft } = estimateOf(task, now);
  const percent = percentOf(task);
  const name = task.name.length > 30 ? `${task.name.slice(0, 29)}…` : task.name;
  const barWidth = Math.min(widestBar, columns - name.length - 10);
  const amount =
    task.total === undefined
      ? amountOf(task.done, task.unit)
      : `${countOf(task.done, task.unit)} / ${amountOf(task.total, task.unit)}`;
  const facts = [
    amount,
    rate === undefined ? undefined : rateOf(rate, task.unit),
    secondsLeft === undefined ? undefined : `ETA ${durationOf(secondsLeft)}`,
    `${durationOf(now - task.startedAt)} so far`,
  ].filter((fact) => fact !== undefined);
  return (
    <Box flexDirection="column" marginTop={1}>
      <Box gap={2} flexShrink={0}>
        <Text bold>{name}</Text>
        {percent !== undefined && barWidth >= narrowestBar && (
          <Bar share={Math.min(1, task.done / task.total!)} width={barWidth} />
        )}
        {percent !== undefined && <Text>{String(percent).padStart(3)} %</Text>}
      </Box>
      <Box flexWrap="wrap" columnGap={3} marginLeft={2}>
        {facts.map((fact, index) => (
          <Text key={fact.replace(/[\d.,:]+/g, '') || index}>{fact}</Text>
        ))}
      </Box>
      <Numbers numbers={task.numbers} />
      {chartRows > 0 && <TaskCharts {...{ task, columns, rowsBelow }} rows={chartRows} axis />}
    </Box>
  );
}

/** Name and value pairs that wrap as pairs. */
export function Numbers({ numbers }: { numbers: ReadonlyMap<string, number> }) {
  if (numbers.size === 0) return null;
  return (
    <Box flexWrap="wrap" columnGap={3} marginLeft={2}>
      {[...numbers].map(([name, value]) => (
        <Text key={name}>
          <Text dimColor>{name} </Text>
          {Number.isFinite(value) ? (
            <Text color="cyan">{figure(value)}</Text>
          ) : (
            <Text color="red">{figure(value)}</Text>
          )}
        </Text>
      ))}
    </Box>
  );
}

/** A bar with half-cell precision. */
function Bar({ share, width }: { share: number; width: number }) {
  const halves = Math.round(share * width * 2);
  const full = Math.floor(halves / 2);
  const half = halves % 2 === 1 ? '╸' : '';
  return (
    <Text>
      <Text color="green">{'━'.repeat(full) + half}</Text>
      <Text dimColor>{'─'.repeat(width - full - half.length)}</Text>
    </Text>
  );
}
