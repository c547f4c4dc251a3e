/**
 * What will be read: inputs (files and folders) to units of work, without reading data that need not be read.
 *
 * A unit is part of one file (row groups, a byte range of JSON lines) or a group of pages, of bounded size, and can be read by itself on
 * any machine that sees the files. Parquet footers are read in a worker that can be killed; JSON files are read once in full, because their
 * column types and line boundaries cannot be known otherwise (json-schema.ts); `schema` in the input skips that pass.
 * A file that cannot be planned is listed in `failures`; the others go on. (design.md section 4, "Job")
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { silent } from '../core/events.ts';
import { compressionOf } from './byte-stream.ts';
import { fingerprintFile, fullLimit } from './file-hash.ts';
import { fileFormat, formatOf, formatsFor, headOf } from './input-format.ts';
import { ParquetInspector } from './inspect-file.ts';
import { scanJson } from './json-scan.ts';
import { declaredColumns, JsonSchemaScan } from './json-schema.ts';
import type { InputFormat, InputSpec, PlanReadOptions, ReadPlan, ReadUnit } from './read-unit-types.ts';
import { type FolderListing, walkFolder } from './walk-folder.ts';

export type { InputFormat, InputSpec, PlanReadOptions, ReadPlan, ReadUnit } from './read-unit-types.ts';

const defaultUnitBytes = 128 * 1024 * 1024;

/** Plans every input. Throws only when an input names nothing at all. */
export async function planRead(
  inputs: readonly InputSpec[],
  options: PlanReadOptions = {},
): Promise<ReadPlan> {
  const plan: ReadPlan = { units: [], inputs: [], failures: [], warnings: [] };
  const inspector = new ParquetInspector(options);
  const labels = labelsOf(inputs.map((input) => input.path));
  try {
    for (const [i, input] of inputs.entries()) {
      (options.emit ?? silent)({
        kind: 'progress',
        task: 'plan',
        done: i,
        total: inputs.length,
        unit: 'inputs',
      });
      await planInput(input, labels[i]!, plan, inspector, options);
    }
  } finally {
    await inspector.close();
  }
  const seen = new Set<string>();
  for (const unit of plan.units) {
    let id = unit.id;
    for (let n = 2; seen.has(id); n++) id = `${unit.id}~${n}`;
    seen.add(id);
    unit.id = id;
  }
  return plan;
}

/** Last path component of each input, with as many parents as it takes to tell them apart. */
function labelsOf(paths: readonly string[]): string[] {
  const parts = paths.map((path) =>
    path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.' && part !== '..'),
  );
  const label = (i: number, depth: number): string =>
    parts[i]!.slice(-depth).join('/') || basename(paths[i]!) || 'input';
  return parts.map((part, i) => {
    let depth = 1;
    while (
      depth < part.length &&
      parts.some((_, j) => paths[j] !== paths[i] && label(j, depth) === label(i, depth))
    )
      depth++;
    return label(i, depth);
  });
}

async function planInput(
  input: InputSpec,
  label: string,
  plan: ReadPlan,
  inspector: ParquetInspector,
  options: PlanReadOptions,
): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(input.path)).isDirectory();
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(`${input.path}: ${missing ? 'there is no such file or folder' : messageOf(error)}`, {
      hint: 'check the path of this input',
      cause: error,
    });
  }
  if (isFolder) await planFolder(input, label, plan, inspector, options);
  else await planFiles(input, [{ path: input.path, label }], plan, inspector, options);
}

async function planFolder(
  input: InputSpec,
  label: string,
  plan: ReadPlan,
  inspector: ParquetInspector,
  options: PlanReadOptions,
): Promise<void> {
  const listing = await walkFolder(input.path);
  for (const { file, problem } of listing.failures) plan.failures.push({ file, problem });
  if (listing.links.length > 0)
    plan.warnings.push(
      `${input.path}: ${listing.links.length} symbolic links were not followed (${some(listing.links)})`,
    );
  const formats = formatsFor(input.format ?? 'auto', listing);
  let chosen = listing.files.filter(({ path }) => {
    const format = formatOf(path);
    return format !== undefined && formats.includes(format);
  });
  // A folder of files without the usual endings, such as a download cache: the user has said what they are.
  if (chosen.length === 0 && input.format !== undefined && input.format !== 'auto') chosen = listing.files;
  if (chosen.length === 0) {
    throw new UserError(
      `${input.path} holds no ${input.format === undefined || input.format === 'auto' ? 'readable' : input.format} files`,
      {
        hint: 'readable are .parquet, .jsonl (also .gz, .zst), .json, .html, .txt and .md',
      },
    );
  }
  const left = listing.files.length - chosen.length;
  if (left > 0) plan.warnings.push(`${input.path}: ${left} files of other kinds were left out`);
  const told = input.format === 'auto' ? undefined : input.format;
  const pageFormat = (path: string): InputFormat | undefined => told ?? formatOf(path);
  const pages = chosen.filter(({ path }) => ['html', 'text'].includes(pageFormat(path) ?? ''));
  if (pages.length > 0) await planPages(input, label, pages, plan, options);
  const data =
    pages.length === chosen.length
      ? []
      : chosen.filter(({ path }) => !['html', 'text'].includes(pageFormat(path) ?? ''));
  if (data.length > 0) {
    const files = data.map(({ path }) => ({ path: join(input.path, path), label: `${label}/${path}` }));
    await planFiles(input, files, plan, inspector, options);
  }
}

async function planPages(
  input: InputSpec,
  label: string,
  pages: FolderListing['files'],
  plan: ReadPlan,
  options: PlanReadOptions,
): Promise<void> {
  const limit = options.unitBytes ?? defaultUnitBytes;
  const total = pages.reduce((sum, file) => sum + file.bytes, 0);
  const hash = createHash('sha256');
  for (const { path, bytes } of pages) {
    hash.update(`${path}\n${bytes}\n`);
    // Beyond the limit names and sizes stand for the content.
    if (total <= 4 * fullLimit) hash.update(await fingerprintOf(join(input.path, path)));
  }
  plan.inputs.push({ path: input.path, bytes: total, fingerprint: hash.digest('hex').slice(0, 16) });
  for (const format of ['html', 'text'] as const) {
    const own = pages.filter(
      ({ path }) =>
        (input.format === 'html' || input.format === 'text' ? input.format : formatOf(path)) === format,
    );
    for (let start = 0; start < own.length; ) {
      let end = start;
      let bytes = 0;
      while (end < own.length && end - start < 20_000 && (end === start || bytes + own[end]!.bytes <= limit))
        bytes += own[end++]!.bytes;
      plan.units.push({
        ...common(input, label, input.path, format, options),
        id: unitId(label, `${format}${start}-${end}`),
        files: own.slice(start, end).map((file) => file.path),
        firstRow: start,
        rows: end - start,
        bytes,
      });
      start = end;
    }
  }
}

async function fingerprintOf(path: string): Promise<string> {
  try {
    return (await fingerprintFile(path)).fingerprint;
  } catch {
    return 'unreadable';
  }
}

async function planFiles(
  input: InputSpec,
  files: { path: string; label: string }[],
  plan: ReadPlan,
  inspector: ParquetInspector,
  options: PlanReadOptions,
): Promise<void> {
  // All JSON files of one input get one schema.
  const scan = new JsonSchemaScan();
  const jsonUnits: ReadUnit[] = [];
  for (const file of files) {
    try {
      const { bytes, fingerprint } = await fingerprintFile(file.path);
      plan.inputs.push({ path: file.path, bytes, fingerprint });
      const head = await headOf(file.path);
      const format = fileFormat(input, file.path, head);
      if (bytes === 0 && format !== 'text' && format !== 'html')
        throw new InputError(file.path, 'the file is empty', { hint: 'download or write it again' });
      if (format === 'parquet') await planParquet(input, file, plan, inspector, options);
      else if (format === 'jsonl' || format === 'json') {
        jsonUnits.push(...(await planJson(input, file, format, head, bytes, scan, plan, options)));
      } else {
        const unit = {
          ...common(input, file.label, join(file.path, '..'), format, options),
          id: unitId(file.label, format),
        };
        plan.units.push({ ...unit, files: [basename(file.path)], firstRow: 0, rows: 1, bytes });
      }
    } catch (error) {
      plan.failures.push(failureOf(file.path, error));
    }
  }
  if (jsonUnits.length === 0) return;
  const { columns, conflicts } =
    input.schema === undefined ? scan.finish() : { columns: declaredColumns(input.schema), conflicts: [] };
  for (const conflict of conflicts)
    plan.warnings.push(`${input.path}: values of different types in ${conflict}; kept as JSON text`);
  for (const unit of jsonUnits) plan.units.push({ ...unit, schema: columns });
}

function failureOf(file: string, error: unknown): ReadPlan['failures'][number] {
  if (!(error instanceof InputError)) {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code !== undefined)
      return { file, problem: messageOf(error) };
    throw error;
  }
  return {
    file,
    problem: error.problem,
    ...(error.place === undefined ? {} : { place: error.place }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

async function planParquet(
  input: InputSpec,
  file: { path: string; label: string },
  plan: ReadPlan,
  inspector: ParquetInspector,
  options: PlanReadOptions,
): Promise<void> {
  const { rowGroups } = await inspector.inspect(file.path, {
    ...common(input, file.label, file.path, 'parquet', options),
  });
  const limit = options.unitBytes ?? defaultUnitBytes;
  let firstRow = 0;
  for (let start = 0; start < rowGroups.length; ) {
    let end = start;
    let size = 0;
    let bytes = 0;
    let rows = 0;
    while (end < rowGroups.length && (end === start || size + rowGroups[end]!.uncompressed <= limit)) {
      size += rowGroups[end]!.uncompressed;
      bytes += rowGroups[end]!.bytes;
      rows += rowGroups[end]!.rows;
      end++;
    }
    const unit = {
      ...common(input, file.label, file.path, 'parquet', options),
      id: unitId(file.label, `rg${start}-${end}`),
    };
    plan.units.push({ ...unit, rowGroups: [start, end], firstRow, rows, bytes });
    firstRow += rows;
    start = end;
  }
}

async function planJson(
  input: InputSpec,
  file: { path: string; label: string },
  format: 'jsonl' | 'json',
  head: Buffer,
  bytes: number,
  scan: JsonSchemaScan,
  plan: ReadPlan,
  options: PlanReadOptions,
): Promise<ReadUnit[]> {
  const compression = compressionOf(head);
  const base = {
    ...common(input, file.label, file.path, format, options),
    ...(compression === undefined ? {} : { compression }),
  };
  if (input.schema !== undefined && compression !== undefined)
    return [{ ...base, id: unitId(file.label, 'all'), firstRow: 0, bytes }];
  const found = await scanJson(file.path, {
    format,
    compression,
    scan: input.schema === undefined ? scan : undefined,
    pieceBytes: options.unitBytes ?? defaultUnitBytes,
    maxRecordBytes: options.maxRecordBytes,
  });
  if (found.rows === 0 && found.damage === undefined)
    throw new InputError(file.path, 'the file holds no records');
  if (found.damage !== undefined)
    plan.warnings.push(`${found.damage.message}; its first ${found.rows} records are read`);
  const { format: actual } = found;
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

function common(
  input: InputSpec,
  label: string,
  file: string,
  format: InputFormat,
  options: PlanReadOptions,
) {
  return {
    file,
    label,
    format,
    source:
      input.source ??
      basename(resolve(input.path)).replace(/(\.(parquet|jsonl|ndjson|json|gz|zst|html?|txt|md))+$/i, ''),
    sourceGiven: input.source !== undefined,
    columns: input.columns ?? {},
    requireText: options.requireText ?? false,
  };
}

/** A name for files and logs: the label where it is harmless, else made harmless and told apart by a hash. */
function unitId(label: string, part: string): string {
  const safe = label.replace(/[^A-Za-z0-9._-]+/g, '_').slice(-80);
  const name =
    safe === label ? safe : `${safe}-${createHash('sha256').update(label).digest('hex').slice(0, 8)}`;
  return `${name}#${part}`;
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and others`;
}
