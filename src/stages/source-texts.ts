/**
 * The training texts of one mixture source, one after another: records read through src/io (or made by a generator), fields taken
 * out by the card's columns and put into its template. Every record is counted: kept, or failed with a reason.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { generateRecords } from '../../mixtures/generated.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { fingerprint } from '../core/config.ts';
import { InputError, invariant, UserError } from '../core/errors.ts';
import { count, type Ledger } from '../core/ledger.ts';
import { planRead, type ReadPlan } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { fieldsOf, type ReadCell } from '../tokens/document-fields.ts';
import { formatDocument } from '../tokens/templates.ts';
import { BatchCells } from './batch-cells.ts';

export interface SourceText {
  id: string;
  url: string;
  text: string;
}

export interface SourceInput {
  path: string;
  bytes: number;
  fingerprint: string;
}

/** A source ready to be read: what it reads, and a fingerprint of that and of how texts are made from it. */
export interface PreparedSource {
  source: ResolvedSource;
  plan: ReadPlan | undefined;
  inputs: SourceInput[];
  /** Changes when the files, columns or template change. */
  fingerprint: string;
  /** Bytes to read, for progress; 0 where nothing is read. */
  bytes: number;
}

export interface Failure {
  file: string;
  place?: string;
  problem: string;
}

/** Plans the reading of a source whose data is here. Throws a `UserError` when there is nothing to read. */
export async function prepareSource(source: ResolvedSource): Promise<PreparedSource> {
  const how = { template: source.template, columns: source.columns, format: source.format };
  if (source.data.kind === 'generated') {
    return {
      source,
      plan: undefined,
      inputs: [],
      bytes: 0,
      fingerprint: fingerprint({ ...how, generated: source.data.spec }),
    };
  }
  invariant(source.data.kind === 'files', `data of ${source.name} is present`);
  const { id, url } = source.columns;
  const plan = await planRead(
    source.data.paths.map((path) => ({
      path: keptPages(path),
      format: source.format,
      source: source.name,
      columns: { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) },
    })),
  );
  const pages = plan.units.find((unit) => unit.format === 'html');
  if (pages !== undefined) {
    throw new UserError(`source ${source.name}: ${pages.file} holds HTML pages, not texts`, {
      hint: 'extract and filter them first (midtrain filter), and name the folder that writes',
    });
  }
  if (plan.units.length === 0) {
    const why = plan.failures[0];
    throw new UserError(
      `source ${source.name}: nothing can be read${why === undefined ? '' : `: ${why.file}: ${why.problem}`}`,
      {
        hint: 'check the path and format of this source',
      },
    );
  }
  const inputs = plan.inputs;
  return {
    source,
    plan,
    inputs,
    bytes: plan.units.reduce((n, unit) => n + unit.bytes, 0),
    fingerprint: fingerprint({
      ...how,
      inputs: plan.units.map((u) => u.id),
      content: inputs.map((i) => i.fingerprint),
    }),
  };
}

/** The folder of a `filter` run stands for the documents it kept. */
function keptPages(path: string): string {
  const kept = join(path, 'kept');
  return existsSync(join(path, 'run.json')) && existsSync(kept) ? kept : path;
}

export interface ReadSourceOptions {
  /** Told how many bytes have been read so far. */
  progress?: (bytes: number) => void;
}

/**
 * The texts in reading order. `ledger` counts what came (`in`) and what failed; the caller counts what it kept. `failures` gets files
 * that could not be read to their end. Throws when not one record has the fields that the template needs.
 */
export async function* readSourceTexts(
  prepared: PreparedSource,
  ledger: Ledger,
  failures: Failure[],
  options: ReadSourceOptions = {},
): AsyncGenerator<SourceText> {
  const { source } = prepared;
  let columnsSeen: string[] = [];
  let delivered = 0;
  for await (const { read, id, url, columns } of records(prepared, ledger, failures, options)) {
    columnsSeen = columns;
    const formatted = formatDocument(source.template, fieldsOf(read, source.columns));
    if ('problem' in formatted) count(ledger.failed, formatted.problem);
    else {
      delivered++;
      yield { id, url, text: formatted.text };
    }
  }
  if (delivered === 0 && ledger.in > 0) {
    const reasons = Object.entries(ledger.failed).map(([reason, n]) => `${n} ${reason}`);
    throw new UserError(
      `source ${source.name}: none of its ${ledger.in} records gives a text for template ${source.template} (${reasons.join(', ')}); its columns are ${columnsSeen.join(', ')}`,
      { hint: `say which columns to take: sources: { ${source.name}: { columns: { ... } } }` },
    );
  }
}

interface SourceRecord {
  read: ReadCell;
  id: string;
  url: string;
  columns: string[];
}

async function* records(
  prepared: PreparedSource,
  ledger: Ledger,
  failures: Failure[],
  options: ReadSourceOptions,
): AsyncGenerator<SourceRecord> {
  const { source, plan } = prepared;
  if (source.data.kind === 'generated') {
    for (const record of generateRecords(source.data.spec)) {
      ledger.in++;
      yield {
        read: (column) => record[column as keyof typeof record],
        id: record.id,
        url: '',
        columns: Object.keys(record),
      };
    }
    return;
  }
  failures.push(
    ...plan!.failures.map(({ file, place, problem }) => ({
      file,
      problem,
      ...(place === undefined ? {} : { place }),
    })),
  );
  const only = columnsRead(source);
  let bytes = 0;
  for (const unit of plan!.units) {
    let rows = 0;
    try {
      for await (const item of readUnit(unit, { only })) {
        if (item.kind === 'failed') {
          ledger.in += item.count;
          count(ledger.failed, item.reason, item.count);
          failures.push({ file: item.file, place: item.place, problem: item.problem });
          continue;
        }
        const { records: batch } = item.batch;
        const cells = new BatchCells(batch);
        const columns = batch.schema.fields.map((field) => field.name);
        for (let row = 0; row < batch.numRows; row++) {
          ledger.in++;
          cells.row = row;
          if (++rows % 1024 === 0 && unit.rows)
            options.progress?.(bytes + Math.min(unit.bytes, Math.floor((unit.bytes * rows) / unit.rows)));
          yield {
            read: cells.read,
            id: String(cells.read('id')),
            url: String(cells.read('url') ?? ''),
            columns,
          };
        }
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failures.push({
        file: error.file,
        problem: error.problem,
        ...(error.place === undefined ? {} : { place: error.place }),
      });
    }
    bytes += unit.bytes;
    options.progress?.(bytes);
  }
}

/** The input columns that the templates and the provenance need; wide tables hold much more. */
function columnsRead(source: ResolvedSource): string[] {
  const { id, url, messages, ...slots } = source.columns;
  const columns = Object.values(slots).flatMap((slot) =>
    slot === undefined ? [] : typeof slot === 'string' || Array.isArray(slot) ? slot : slot.column,
  );
  return [...new Set([id ?? 'id', url ?? 'url', ...(messages === undefined ? [] : [messages]), ...columns])];
}
