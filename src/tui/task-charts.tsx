/** The pictures of a task: its curves, and beside them (below, where there is no room beside) what its amount is made of. */
import { Box } from 'ink';
import { CurveRow } from './curve-row.tsx';
import { narrowestTable, PartsTable } from './parts-table.tsx';
import type { TaskState } from './progress-model.ts';

export interface TaskChartsProps {
  task: TaskState;
  columns: number;
  /** Height of a curve. */
  rows: number;
  /** Rows that a table below the curves may take. */
  rowsBelow: number;
  axis?: boolean;
}

const gap = 3;
/** Beside a table a curve needs this much, and the table as much for names and bars that say something. */
const narrowestCurve = 34;
const goodTable = 52;

export function TaskCharts({ task, columns, rows, rowsBelow, axis = false }: TaskChartsProps) {
  const room = columns - 2;
  const { parts } = task;
  if (parts.length === 0) {
    return (
      <Box marginLeft={2}>
        <CurveRow task={task} width={room} rows={rows} axis={axis} />
      </Box>
    );
  }
  const below = rowsBelow > parts.length || room < narrowestCurve + gap + narrowestTable;
  const beside = !below && room >= narrowestCurve + gap + (rowsBelow >= 3 ? goodTable : narrowestTable);
  const tableWidth = beside ? Math.min(goodTable, Math.floor((room - gap) / 2)) : room;
  const high = rows + (axis ? 2 : 1);
  return (
    <Box marginLeft={2} columnGap={gap} flexDirection={beside ? 'row' : 'column'}>
      <CurveRow task={task} width={beside ? room - gap - tableWidth : room} rows={rows} axis={axis} />
      {(beside || rowsBelow > 1) && (
        <PartsTable parts={parts} width={tableWidth} rows={beside ? high : rowsBelow} />
      )}
    </Box>
  );
}
