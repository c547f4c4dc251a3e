/**
 * WARC and WET files to units of work. A file larger than a unit is gone through once to cut it exactly (read-warc.ts); a smaller one is not
 * read beyond its first records.
 */
import { InputError } from '../core/errors.ts';
import { compressionOf } from './byte-stream.ts';
import { firstCharacters } from './input-format.ts';
import {
  commonOf,
  defaultUnitBytes,
  type PlanContext,
  type PlannedFile,
  sizeText,
  unitId,
} from './plan-unit.ts';
import { cutWarc, type WarcPiece, warcContent } from './read-warc.ts';
import type { WarcContent } from './warc-documents.ts';

export async function planWarc(
  context: PlanContext,
  file: PlannedFile,
  told: WarcContent,
  head: Buffer,
  bytes: number,
): Promise<void> {
  const { input, plan, options } = context;
  const compression = compressionOf(head);
  if (firstCharacters(head).startsWith('filedesc:'))
    throw new InputError(file.path, 'ARC, the format before WARC, is not supported', {
      place: 'byte 0',
      hint: 'convert it, for example with: warcio recompress in.arc.gz out.warc.gz',
    });
  const content = await contentOf(file.path, told, input.format === told, compression);
  const base = {
    ...commonOf(context, file, content),
    // Their columns are made here and have the right names.
    columns: {},
    ...(compression === undefined ? {} : { compression }),
  };
  const pieceBytes = options.unitBytes ?? defaultUnitBytes;
  const pieces: WarcPiece[] = [];
  if (bytes <= pieceBytes || compression === 'zstd') {
    if (bytes > pieceBytes)
      plan.notes.push(`${file.path}: zstd, so its ${sizeText(bytes)} are one unit of work`);
    plan.units.push({ ...base, id: unitId(file.label, 'all'), firstRow: 0, bytes });
    return;
  }
  try {
    await cutWarc(file.path, compression, content, bytes, pieceBytes, pieces);
  } catch (error) {
    if (!(error instanceof InputError) || pieces.every((piece) => piece.rows === 0)) throw error;
    plan.warnings.push(
      `${error.message}; the ${pieces.reduce((sum, piece) => sum + piece.rows, 0)} documents before are read`,
    );
  }
  if (pieces.length === 1)
    plan.notes.push(
      `${file.path}: one ${compression ?? 'plain'} stream without places to cut, so its ${sizeText(bytes)} are one unit of work`,
    );
  for (const [i, { start, end, firstRow, rows }] of pieces.entries()) {
    const id = unitId(file.label, pieces.length === 1 ? 'all' : `part${i}`);
    plan.units.push({ ...base, id, range: [start, end], firstRow, rows, bytes: end - start });
  }
}

/** Pages or texts; throws for archives that hold neither. */
async function contentOf(
  path: string,
  named: WarcContent,
  told: boolean,
  compression: ReturnType<typeof compressionOf>,
): Promise<WarcContent> {
  if (/\.wat(\.gz)?$/i.test(path))
    throw new InputError(path, 'a WAT file holds metadata of pages and no text', {
      hint: 'name the .warc.gz or .wet.gz files instead',
    });
  if (told) return named;
  let found: Awaited<ReturnType<typeof warcContent>>;
  try {
    found = await warcContent(path, compression);
  } catch (error) {
    // Damaged before the first document: reading will say where.
    if (!(error instanceof InputError)) throw error;
    return named;
  }
  if (found.content === undefined && found.whole)
    throw new InputError(
      path,
      'no record of this file is a page or a text (response, resource or conversion)',
      {
        hint: 'name files that hold some',
      },
    );
  return found.content ?? named;
}
