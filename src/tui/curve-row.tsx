/** Curves of a task side by side, as many as the width allows, each with its name, latest value, range, and where it begins and ends. */
import { Box, Text } from 'ink';
import { type Curve, drawBraille, valuesOf } from './curve.ts';
import { countOf, figure } from './figures.ts';
import { curvesOf, type TaskState } from './progress-model.ts';

const narrowestCurve = 34;
const widestCurve = 64;

export interface CurveRowProps {
  task: TaskState;
  /** Cells to draw in, and rows of a curve. */
  width: number;
  rows: number;
  /** Say below where the curves begin and end. */
  axis?: boolean;
}

export function CurveRow({ task, width: room, rows, axis = false }: CurveRowProps) {
  const curves = curvesOf(task).slice(0, Math.max(1, Math.floor(room / narrowestCurve)));
  if (curves.length === 0) return null;
  const width = Math.min(widestCurve, Math.floor((room - 3 * (curves.length - 1)) / curves.length));
  return (
    <Box columnGap={3}>
      {curves.map(({ name, curve }) => (
        <CurvePanel
          key={name}
          name={name}
          curve={curve}
          latest={task.numbers.get(name)}
          width={width}
          rows={rows}
          unit={axis ? task.unit : undefined}
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
  /** Of the axis below; undefined leaves it out. */
  unit: string | undefined;
}

/** The range stands left of the curve: highest on the first row, lowest on the last. */
function CurvePanel({ name, curve, latest, width, rows, unit }: CurvePanelProps) {
  const values = valuesOf(curve);
  const margin = Math.max(figure(Math.max(...values)).length, figure(Math.min(...values)).length);
  const cells = Math.max(4, width - margin - 1);
  const { rows: drawn, low, high } = drawBraille(values, cells, rows);
  const label = (row: number): string => (row === 0 ? figure(high) : row === rows - 1 ? figure(low) : '');
  return (
    <Box flexDirection="column" width={width} flexShrink={1}>
      <Text wrap="truncate">
        <Text dimColor>{name} </Text>
        {latest === undefined ? '' : figure(latest)}
      </Text>
      {drawn.map((strokes, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a picture have no other name
        <Text key={row} wrap="truncate">
          <Text dimColor>{label(row).padStart(margin)} </Text>
          {strokes.map(({ text, line }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: stretches of a picture have no other name
            <Text key={i} {...(line ? { color: 'cyan' } : { dimColor: true })}>
              {text}
            </Text>
          ))}
        </Text>
      ))}
      {unit !== undefined && (
        <Text dimColor wrap="truncate">
          {`${' '.repeat(margin + 1)}${ends(countOf(curve.first, unit), `${unit} ${countOf(curve.last, unit)}`, cells)}`}
        </Text>
      )}
    </Box>
  );
}

/** Two words at the two ends of a line; only the second where there is no room. */
function ends(first: string, last: string, width: number): string {
  const gap = width - first.length - last.length;
  return gap < 1 ? last.padStart(width).slice(-width) : `${first}${' '.repeat(gap)}${last}`;
}
