/**
 * A data card as an input of the reader: where its data is, its format, and which column is the text. Pure.
 *
 * A filter needs one column of text; a card whose text is put together from several columns says so in an error, with what to name instead.
 */
import { dirname, isAbsolute, join } from 'node:path';
import type { DataCard } from '../core/card.ts';
import { UserError } from '../core/errors.ts';
import type { ColumnMapping } from './document-columns.ts';
import type { InputSpec } from './read-unit-types.ts';

/** The input that a card describes; what `over` says wins. A card with files in several places gives one input each. */
export function inputsOfCard(card: DataCard, over: Partial<InputSpec> = {}): InputSpec[] {
  const { columns, format } = card.project;
  const paths = over.path === undefined ? pathsOf(card) : [over.path];
  const mapping: ColumnMapping = {
    ...(columns.id === undefined ? {} : { id: columns.id }),
    ...(columns.url === undefined ? {} : { url: columns.url }),
    ...textColumn(card, over.columns ?? {}),
    ...over.columns,
  };
  return paths.map((path) => ({ format, source: card.name, ...over, path, columns: mapping }));
}

function textColumn(card: DataCard, over: ColumnMapping): ColumnMapping {
  if (over.text !== undefined || over.html !== undefined) return {};
  const { text, messages, ...slots } = card.project.columns;
  if (typeof text === 'string') return { text };
  const { template } = card.project;
  const named = Object.entries({ ...slots, ...(messages === undefined ? {} : { messages }) })
    .filter(([slot, column]) => column !== undefined && slot !== 'id' && slot !== 'url')
    .map(([slot]) => slot);
  // A card that names no columns at all has its text under the usual name.
  if (text === undefined && named.length === 0 && template === 'text') return {};
  throw new UserError(
    `${card.file}: the text of ${card.name} is made from several columns (template ${template}${named.length > 0 ? `: ${named.join(', ')}` : ''}), and filters read one`,
    { hint: 'name one column, for example columns: { text: answer }' },
  );
}

function pathsOf(card: DataCard): string[] {
  const { data } = card.project;
  if ('path' in data) {
    const paths = typeof data.path === 'string' ? [data.path] : data.path;
    return paths.map((path) =>
      isAbsolute(path) || path.startsWith('hf://') ? path : join(dirname(card.file), path),
    );
  }
  if ('hub' in data) {
    const revision = data.revision === undefined ? '' : `@${encodeURIComponent(data.revision)}`;
    const root = `hf://datasets/${data.hub}${revision}`;
    if (data.files !== undefined) return [`${root}/${data.files}`];
    if (data.config !== undefined && data.folder === undefined)
      throw new UserError(
        `${card.file}: the card names the configuration ${data.config} of ${data.hub} and not the folder it lies in`,
        {
          hint: `say where its files are: path: ${root}/<folder>`,
        },
      );
    const folder = data.folder === undefined ? root : `${root}/${data.folder}`;
    // As the Hub's own viewer does: the split is part of a file's or folder's name.
    return [data.split === undefined ? folder : `${folder}/**/{${data.split},${data.split}[-._0-9]*}`];
  }
  throw new UserError(
    `${card.file}: the records of ${card.name} are made by a generator and lie in no file`,
    {
      hint: 'name an input with files',
    },
  );
}
