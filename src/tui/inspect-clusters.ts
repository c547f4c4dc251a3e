/** Duplicate clusters as lines of text and as JSON, for pipes and for reading at leisure. Foreign text is made visible as everywhere here. */
import type { DedupStep } from '../stages/resolved-filter.ts';
import type { RunCluster } from '../stages/run-clusters.ts';
import { valueText } from './inspect-rows.ts';
import { cutTo, visibleJson, visibleLine } from './visible-text.ts';

/** `minhash: 12 clusters of 31 documents, the largest of 5; of each the longest stays`. */
export function stepText(
  { name, keep }: DedupStep,
  counts: { clusters: number; members: number; largest: number },
): string {
  if (counts.clusters === 0) return `${name}: no document has a copy\n`;
  const number = (n: number): string => n.toLocaleString('en-US');
  return (
    `${name}: ${number(counts.clusters)} ${counts.clusters === 1 ? 'cluster' : 'clusters'} of ${number(counts.members)} documents, ` +
    `the largest of ${number(counts.largest)}; of those that pass the rules ${staysText(keep)}\n`
  );
}

/** A cluster with its members; ends with an empty line. */
export function clusterText(
  { cluster, size, stays, members }: RunCluster,
  keep: DedupStep['keep'],
  columns = 160,
): string {
  const priority = members.some((member) => member.priority !== null);
  const cells = members.map(({ number, id, url, reason, excerpt, priority: value }) => ({
    mark: number === stays ? 'stays' : wordOf(reason),
    id: cutTo(visibleLine(id), 48),
    value: value === null ? '' : valueText(value),
    rest: `${url === null || url === id ? '' : `${visibleLine(url)}  `}${visibleLine(excerpt)}`,
  }));
  const width = (key: 'mark' | 'id' | 'value'): number =>
    Math.max(...cells.map((cell) => cell[key].length), 0);
  const lines = cells.map(({ mark, id, value, rest }) =>
    cutTo(
      `  ${mark.padEnd(width('mark'))}  ${id.padEnd(width('id'))}  ${priority ? `${value.padStart(width('value'))}  ` : ''}${rest}`.trimEnd(),
      columns,
    ),
  );
  const passing = members.filter(({ reason }) => reason === 'kept' || reason.startsWith('duplicate_')).length;
  const why =
    stays === null
      ? passing > 0
        ? 'none stays: another dedup step drops the last of them'
        : 'none stays: the rules drop every copy'
      : passing === 1 && members.length === size
        ? 'the only one that passes the rules stays'
        : staysText(keep);
  const left = size - members.length;
  return [
    `cluster ${cluster}: ${size.toLocaleString('en-US')} documents; ${why}`,
    ...lines,
    ...(left > 0 ? [`  and ${left.toLocaleString('en-US')} more`] : []),
    '',
    '',
  ].join('\n');
}

/** One line, newline included. */
export function clusterJson(cluster: RunCluster, keep: DedupStep['keep']): string {
  return `${visibleJson({ ...cluster, keep, membersLeftOut: cluster.size - cluster.members.length })}\n`;
}

function staysText(keep: DedupStep['keep']): string {
  if (keep === 'first') return 'the first stays';
  if (keep === 'longest') return 'the longest stays, of equals the first';
  return `the one with the ${keep.prefer === 'high' ? 'highest' : 'lowest'} ${keep.signal} stays, of equals the first`;
}

/** A copy's fate in a word: dropped as a copy, or what else dropped it. */
function wordOf(reason: string): string {
  return reason.startsWith('duplicate_') ? 'copy' : reason === 'kept' ? 'kept' : visibleLine(reason);
}
