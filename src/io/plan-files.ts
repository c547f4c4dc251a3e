/**
 * Files of known names to units of work, format by format. A file that cannot be planned goes into the plan's `failures`; the others go on.
 */
import { basename, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { openArrow } from './arrow-file.ts';
import { listArrowBatches } from './arrow-read.ts';
import { type Compression, compressionOf } from './byte-stream.ts';
import { planDocumentColumns } from './document-columns.ts';
import { fingerprintFile } from './file-hash.ts';
import { fetchHubFooter } from './hub-range.ts';
import { fileFormat, headOf } from './input-format.ts';
import { scanJson } from './json-scan.ts';
import { declaredColumns, JsonSchemaScan } from './json-schema.ts';
import {
  commonOf,
  defaultUnitBytes,
  failureOf,
  groupBySize,
  hubOptionsOf,
  nameOfFile,
  type PlanContext,
  type PlannedFile,
  sizeText,
  unitId,
} from './plan-unit.ts';
import { planWarc } from './plan-warc.ts';
import type { ReadUnit } from './read-unit-types.ts';

export async function planFiles(context: PlanContext, files: readonly PlannedFile[]): Promise<void> {
  const { input, plan, options } = context;
  // All JSON files of one input get one schema.
  const scan = new JsonSchemaScan();
  const jsonUnits: ReadUnit[] = [];
  for (const file of files) {
    options.signal?.throwIfAborted();
    try {
      const { remote } = file;
      if (remote?.ranged === true) {
        const footer = await fetchHubFooter(remote, hubOptionsOf(options));
        plan.inputs.push({ path: nameOfFile(file), bytes: remote.bytes, fingerprint: remote.oid });
        await planParquet(context, file, footer);
        continue;
      }
      const { bytes, fingerprint } = await fingerprintFile(file.path);
      plan.inputs.push({ path: nameOfFile(file), bytes, fingerprint: remote?.oid ?? fingerprint });
      const head = await headOf(file.path);
      const format = fileFormat(input, file.path, head);
      if (bytes === 0 && format !== 'text' && format !== 'html')
        throw new InputError(file.path, 'the file is empty', { hint: 'download or write it again' });
      if (format === 'parquet') await planParquet(context, file);
      else if (format === 'arrow') await planArrow(context, file);
      else if (format === 'warc' || format === 'wet') await planWarc(context, file, format, head, bytes);
      else if (format === 'jsonl' || format === 'json') {
        jsonUnits.push(...(await planJson(context, file, format, compressionOf(head), bytes, scan)));
      } else {
        const unit = {
          ...commonOf(context, file, format, join(file.path, '..')),
          id: unitId(file.label, format),
        };
        plan.units.push({ ...unit, files: [basename(file.path)], firstRow: 0, rows: 1, bytes });
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      plan.failures.push(failureOf(nameOfFile(file), error));
    }
  }
  if (jsonUnits.length === 0) return;
  const { columns, conflicts } =
    input.schema === undefined ? scan.finish() : { columns: declaredColumns(input.schema), conflicts: [] };
  for (const conflict of conflicts)
    plan.warnings.push(`${input.path}: values of different types in ${conflict}; kept as JSON text`);
  for (const unit of jsonUnits) plan.units.push({ ...unit, schema: columns });
}

async function planParquet(context: PlanContext, file: PlannedFile, footer = file.path): Promise<void> {
  const { plan, inspector, options } = context;
  const common = commonOf(context, file, 'parquet');
  const { rowGroups } = await inspector.inspect(footer, common);
  let firstRow = 0;
  for (const [start, end] of groupBySize(
    rowGroups,
    (group) => group.uncompressed,
    options.unitBytes ?? defaultUnitBytes,
  )) {
    const groups = rowGroups.slice(start, end);
    const rows = groups.reduce((sum, group) => sum + group.rows, 0);
    const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
    plan.units.push({
      ...common,
      id: unitId(file.label, `rg${start}-${end}`),
      rowGroups: [start, end],
      firstRow,
      rows,
      bytes,
    });
    firstRow += rows;
  }
}

async function planArrow(context: PlanContext, file: PlannedFile): Promise<void> {
  const { plan, options } = context;
  const common = commonOf(context, file, 'arrow');
  const opened = await openArrow(file.path);
  let listing: Awaited<ReturnType<typeof listArrowBatches>>;
  try {
    planDocumentColumns(opened.schema, common);
    listing = await listArrowBatches(opened);
  } finally {
    await opened.handle.close();
  }
  const { batches, hasDictionaries, damage } = listing;
  if (damage !== undefined) {
    if (batches.length === 0)
      throw new InputError(file.path, damage, { hint: 'download or write the file again' });
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    plan.warnings.push(`${file.path}: ${damage}; its first ${rows} rows are read`);
  }
  const groups = groupBySize(batches, (batch) => batch.bytes, options.unitBytes ?? defaultUnitBytes);
  let firstRow = 0;
  for (const [i, [start, end]] of groups.entries()) {
    const own = batches.slice(start, end);
    const rows = own.reduce((sum, batch) => sum + batch.rows, 0);
    const bytes = own.reduce((sum, batch) => sum + batch.bytes, 0);
    // The last unit of a damaged file reads on into the damage, so that the job says what was lost.
    const last = damage !== undefined && i === groups.length - 1 ? Number.MAX_SAFE_INTEGER : end;
    plan.units.push({
      ...common,
      id: unitId(file.label, `rb${start}-${end}`),
      batches: [start, last],
      ...(opened.kind === 'stream' && !hasDictionaries ? { arrowStart: batches[start]!.start } : {}),
      firstRow,
      rows,
      bytes,
    });
    firstRow += rows;
  }
}

async function planJson(
  context: PlanContext,
  file: PlannedFile,
  format: 'jsonl' | 'json',
  compression: Compression | undefined,
  bytes: number,
  scan: JsonSchemaScan,
): Promise<ReadUnit[]> {
  const { input, plan, options } = context;
  const pieceBytes = options.unitBytes ?? defaultUnitBytes;
  const base = {
    ...commonOf(context, file, format),
    ...(compression === undefined ? {} : { compression }),
  };
  const note = (why: string): void => {
    if (bytes > pieceBytes)
      plan.notes.push(`${file.path}: ${why}, so its ${sizeText(bytes)} are one unit of work`);
  };
  if (input.schema !== undefined && compression !== undefined) {
    note(`compressed (${compression}) and with a declared schema, it is not scanned`);
    return [{ ...base, id: unitId(file.label, 'all'), firstRow: 0, bytes }];
  }
  const found = await scanJson(file.path, {
    format,
    compression,
    fileBytes: bytes,
    scan: input.schema === undefined ? scan : undefined,
    pieceBytes,
    maxRecordBytes: options.maxRecordBytes,
  });
  if (found.rows === 0 && found.damage === undefined)
    throw new InputError(file.path, 'the file holds no records');
  if (found.damage !== undefined)
    plan.warnings.push(`${found.damage.message}; its first ${found.rows} records are read`);
  const { format: actual } = found;
  if (found.pieces.length === 1 && (compression !== undefined || actual === 'json'))
    note(compression === undefined ? 'one JSON value' : `one ${compression} stream`);
  return found.pieces.map((piece, i) => ({
    ...base,
    format: actual,
    id: unitId(file.label, found.pieces.length === 1 ? 'all' : `part${i}`),
    ...(found.splittable
      ? { range: [piece.start, piece.end] as [number, number], firstLine: piece.firstLine }
      : {}),
    firstRow: piece.firstRow,
    rows: piece.rows,
    bytes: found.splittable ? piece.end - piece.start : bytes,
  }));
}
