/** A traced token as text for a terminal. The page's text is foreign: control sequences are taken out. */
import { printable, printableLine } from '../core/printable.ts';
import type { Trace } from '../stages/trace-token.ts';

/** `epoch`: how often training has been through the mixture, where a step was asked for. */
export function describeTrace(trace: Trace, epoch?: number): string {
  const { document, piece, sequence, token } = trace;
  const rows: [string, string][] = [
    [
      'shard',
      `${trace.shard}, token ${trace.position}${trace.positionInFolder === trace.position ? '' : ` (token ${trace.positionInFolder} of all shards)`}`,
    ],
  ];
  if (sequence !== undefined)
    rows.push([
      'sequence',
      `${sequence.number}, token ${sequence.offset} of ${sequence.length}${epoch === undefined || epoch === 1 ? '' : `; epoch ${epoch} over the mixture`}`,
    ]);
  rows.push([
    'piece',
    `tokens ${piece.start} to ${piece.end - 1} of the shard, entry ${piece.entry} of its index`,
  ]);
  if (trace.padding) rows.push(['padding', 'no document; it fills the sequence and no loss counts here']);
  if (document !== undefined) {
    rows.push(['source', `${document.source}${document.role === undefined ? '' : ` (${document.role})`}`]);
    rows.push(['document', printableLine(document.id)]);
    if (document.url !== undefined) rows.push(['url', printableLine(document.url)]);
    if (document.token !== undefined)
      rows.push([
        'in it',
        `token ${document.token}; the piece is its tokens ${document.from} to ${document.to! - 1}${document.pass === undefined ? '' : `, read in pass ${document.pass}`}`,
      ]);
  }
  if (trace.inputs.length > 0) rows.push(['input', inputOf(trace)]);
  rows.push([
    'token',
    `${token.id}${token.text === undefined ? '' : ` ${JSON.stringify(printable(token.text))}`}${trace.counts || trace.padding ? '' : ', masked: no loss counts here'}`,
  ]);
  for (const reason of trace.unknown) rows.push(['unknown', reason]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  if (trace.text !== undefined && !trace.padding) {
    const { before, token: marked, after } = trace.text;
    lines.push('', `${printable(before)}[[${printable(marked)}]]${printable(after)}`);
  }
  return `${lines.join('\n')}\n`;
}

function inputOf({ inputs, record }: Trace): string {
  if (inputs.length === 1)
    return `${printableLine(inputs[0]!)}${record === undefined ? '' : `, record ${record} from 0`}`;
  const more = inputs.length > 5 ? ` and ${inputs.length - 5} more` : '';
  return `one of ${inputs.slice(0, 5).map(printableLine).join(', ')}${more}`;
}
