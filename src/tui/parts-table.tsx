/**
 * What the amount of a task is made of, part by part, such as the sources of a mixture: a bar, the amount and its share so far, the share asked
 * for, and a figure of the part. Parts far from their share stand out.
 */
import { Box, Text } from 'ink';
import type { ProgressPart } from '../core/events.ts';
import { compact, figure } from './figures.ts';

export interface PartsTableProps {
  parts: readonly ProgressPart[];
  width: number;
  /** Rows in all, the head included. */
  rows: number;
}

/** Narrower than this a table says nothing. */
export const narrowestTable = 34;
const widestTable = 64;
const widestName = 24;
const longestBar = 20;
/** From this width on amounts are told, too. */
const withAmounts = 58;
/** A share further from what was asked for than this is marked. */
const offBy = 0.05;

export function PartsTable({ parts, width: room, rows }: PartsTableProps) {
  const width = Math.min(room, widestTable);
  const shown = parts.length > rows - 1 ? parts.slice(0, Math.max(1, rows - 2)) : parts;
  const total = parts.reduce((sum, part) => sum + part.amount, 0);
  const figures = [...new Set(parts.flatMap((part) => Object.keys(part.numbers ?? {})))].slice(0, 1);
  const asked = parts.some((part) => part.target !== undefined);
  const amounts = width >= withAmounts;
  // Amounts `51.1M`, shares `59.8 %`, asked for `60.0`, figures of at most nine cells.
  const fixed = (amounts ? 8 : 0) + 8 + (asked ? 8 : 0) + figures.length * 11;
  const longest = Math.max(...parts.map((part) => part.name.length));
  const nameWidth = Math.max(6, Math.min(longest, widestName, width - fixed - 6));
  const barWidth = Math.min(longestBar, width - fixed - nameWidth - 2);
  const head = `${amounts ? 'seen'.padStart(8) : ''}${'so far'.padStart(8)}${asked ? 'asked'.padStart(8) : ''}${figures.map((name) => name.slice(0, 9).padStart(11)).join('')}`;
  return (
    <Box flexDirection="column" width={width} flexShrink={0}>
      <Text dimColor wrap="truncate">
        {`${'source'.padEnd(nameWidth)}  ${' '.repeat(Math.max(0, barWidth - 1))}${head}`}
      </Text>
      {shown.map((part) => (
        <Part key={part.name} {...{ part, total, figures, amounts, asked, nameWidth, barWidth }} />
      ))}
      {shown.length < parts.length && <Text dimColor>{`and ${parts.length - shown.length} more`}</Text>}
    </Box>
  );
}

interface PartProps {
  part: ProgressPart;
  total: number;
  figures: readonly string[];
  amounts: boolean;
  asked: boolean;
  nameWidth: number;
  barWidth: number;
}

function Part({ part, total, figures, amounts, asked, nameWidth, barWidth }: PartProps) {
  const share = total === 0 ? 0 : part.amount / total;
  const off = part.target !== undefined && Math.abs(share - part.target) > offBy;
  const name = part.name.length > nameWidth ? `${part.name.slice(0, nameWidth - 1)}…` : part.name;
  const cells = Math.max(0, barWidth - 1);
  const full = Math.round(share * cells);
  return (
    <Text wrap="truncate">
      {`${name.padEnd(nameWidth)}  `}
      <Text color={off ? 'yellow' : 'green'}>{'━'.repeat(full)}</Text>
      <Text dimColor>{'─'.repeat(cells - full)}</Text>
      {amounts && compact(part.amount).padStart(8)}
      <Text {...(off ? { color: 'yellow' } : {})}>{`${percent(share)} %`.padStart(8)}</Text>
      {asked && <Text dimColor>{(part.target === undefined ? '–' : percent(part.target)).padStart(8)}</Text>}
      {figures.map((key) => {
        const value = part.numbers?.[key];
        return <Text key={key}>{(value === undefined ? '' : figure(value)).padStart(11)}</Text>;
      })}
    </Text>
  );
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}
