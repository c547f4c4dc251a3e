/** Curves of a task side by side, as many as the width allows, each with its name, latest value and range. */
import { Box, Text } from 'ink';
import { type Curve, drawBraille, valuesOf } from './curve.ts';
import { figure } from './figures.ts';
import { curvesOf, type TaskState } from './progress-model.ts';

const narrowestCurve = 34;
const widestCurve = 64;

export function CurveRow({ task, columns, rows }: { task: TaskState; columns: number; rows: number }) {
  const room = columns - 2;
  const curves = curvesOf(task).slice(0, Math.max(1, Math.floor(room / narrowestCurve)));
  if (curves.length === 0) return null;
  const width = Math.min(widestCurve, Math.floor((room - 3 * (curves.length - 1)) / curves.length));
  return (
    <Box marginLeft={2} columnGap={3}>
      {curves.map(({ name, curve }) => (
        <CurvePanel
          key={name}
          name={name}
          curve={curve}
          latest={task.numbers.get(name)}
          width={width}
          rows={rows}
        />
      ))}
    </Box>
  );
}

interface CurvePanelProps {
  name: string;
  curve: Curve;
  latest: number | undefined;
  width: number;
  rows: number;
}

/** The range stands left of the curve: highest on the first row, lowest on the last. */
function CurvePanel({ name, curve, latest, width, rows }: CurvePanelProps) {
  const values = valuesOf(curve);
  const axis = Math.max(figure(Math.max(...values)).length, figure(Math.min(...values)).length);
  const { rows: drawn, low, high } = drawBraille(values, Math.max(4, width - axis - 1), rows);
  const label = (row: number): string => (row === 0 ? figure(high) : row === rows - 1 ? figure(low) : '');
  return (
    <Box flexDirection="column" width={width} flexShrink={1}>
      <Text wrap="truncate">
        <Text dimColor>{name} </Text>
        {latest === undefined ? '' : figure(latest)}
      </Text>
      {drawn.map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a picture have no other name
        <Text key={row} wrap="truncate">
          <Text dimColor>{label(row).padStart(axis)} </Text>
          <Text color="cyan">{line}</Text>
        </Text>
      ))}
    </Box>
  );
}
