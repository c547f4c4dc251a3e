/** The training text of one record of JSON, counted as unit-texts.ts counts those it reads through Arrow. */
import { count } from '../core/ledger.ts';
import { type ChatTemplate, textOfParts } from '../tokens/chat-template.ts';
import { fieldsOf } from '../tokens/document-fields.ts';
import { isSelected, notSelected } from '../tokens/row-selection.ts';
import { formatDocument } from '../tokens/templates.ts';
import type { SourceText, TextSource, UnitTally } from './unit-texts.ts';

/** `place` names the record where it has no id. Undefined after its fate was counted. */
export function textOfRecord(
  source: TextSource,
  record: Readonly<Record<string, unknown>>,
  place: string,
  tally: UnitTally,
  chat: ChatTemplate | undefined,
): SourceText | undefined {
  const read = (column: string): unknown => (Object.hasOwn(record, column) ? record[column] : undefined);
  if (tally.ledger.in++ === 0) tally.columns = Object.keys(record);
  if (source.where !== undefined && !isSelected(read, source.where)) {
    count(tally.ledger.dropped, notSelected);
    return undefined;
  }
  const formatted = formatDocument(source.template, fieldsOf(read, source.columns), chat);
  if ('problem' in formatted) {
    count(tally.ledger.failed, formatted.problem);
    return undefined;
  }
  const id = String(read(source.columns.id ?? 'id') ?? place);
  const url = String(read(source.columns.url ?? 'url') ?? '');
  return 'text' in formatted
    ? { id, url, text: formatted.text }
    : { id, url, text: textOfParts(formatted.parts), parts: formatted.parts };
}
