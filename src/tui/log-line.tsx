/** What stays in the scrollback: a message, a warning, or a task that has ended, with its last numbers and curves. */
import { Box, Text } from 'ink';
import { amountOf, rateOf, tookOf } from './figures.ts';
import { amountDone } from './plain-progress.ts';
import { type LogEntry, meanRateOf } from './progress-model.ts';
import { TaskCharts } from './task-charts.tsx';
import { Numbers } from './task-panel.tsx';

const curveRows = 3;
const tableRows = 9;

export function LogLine({ entry, columns }: { entry: LogEntry; columns: number }) {
  if (entry.kind === 'message') {
    if (entry.level === 'info') return <Text>{entry.text}</Text>;
    return (
      <Text>
        <Text color="yellow">warning: </Text>
        {entry.text}
      </Text>
    );
  }
  const { task } = entry;
  const rate = meanRateOf(task);
  const seconds = entry.kind === 'stopped' ? entry.seconds : (task.seconds ?? 0);
  const facts =
    entry.kind === 'stopped'
      ? [amountDone(task), `after ${tookOf(seconds)}`]
      : [
          `${amountOf(task.done, task.unit)} in ${tookOf(seconds)}`,
          ...(rate === undefined ? [] : [rateOf(rate, task.unit)]),
        ];
  return (
    <Box flexDirection="column">
      <Box flexWrap="wrap" columnGap={3}>
        <Text>
          {entry.kind === 'stopped' ? <Text color="yellow">stopped </Text> : <Text color="green">done </Text>}
          <Text bold>{task.name}</Text>
        </Text>
        {facts.map((fact) => (
          <Text key={fact}>{fact}</Text>
        ))}
      </Box>
      <Numbers numbers={task.numbers} />
      <TaskCharts task={task} columns={columns} rows={curveRows} rowsBelow={tableRows} />
    </Box>
  );
}
