/**
 * The benchmarks of a decontamination: their files read by their data cards' columns, indexed once per job, and kept in the run folder as
 * `benchmarks.index` for the workers.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { builtInCards, loadCard } from '../../mixtures/load.ts';
import type { Columns, Where } from '../core/card.ts';
import { fingerprint } from '../core/config.ts';
import { InputError, UserError } from '../core/errors.ts';
import { assertBenchmark, type BenchmarkItem, benchmarkItem } from '../decontaminate/benchmark-item.ts';
import { buildIndex } from '../decontaminate/build-index.ts';
import { indexBytes } from '../decontaminate/index-file.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { planRead } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { fieldsOf } from '../tokens/document-fields.ts';
import { isSelected } from '../tokens/row-selection.ts';
import { BatchCells } from './batch-cells.ts';
import { benchmarkIndexPath } from './open-benchmark-index.ts';
import type { FilterPlan } from './plan-filter.ts';

/** Columns of a benchmark that has no card: the usual names; those that a record has are joined. */
const usualColumns: Columns = {
  question: ['problem', 'question', 'Problem', 'prompt'],
  answer: ['solution', 'answer', 'Answer', 'rationale'],
};

/** Reads every benchmark and writes the index, unless it is there and undamaged. Throws a `UserError` naming a file that gives no item. */
export async function writeBenchmarkIndex(folder: string, plan: FilterPlan): Promise<void> {
  const { decontaminate } = plan.filter;
  if (decontaminate === null) return;
  const path = benchmarkIndexPath(folder);
  const basis = `${path}.basis`;
  const wanted = fingerprint([decontaminate, plan.resources]);
  if (existsSync(path) && existsSync(basis)) {
    if (readFileSync(basis, 'utf8') === `${wanted} ${await sha256OfFile(path)}\n`) return;
  }
  const items: BenchmarkItem[] = [];
  for (const benchmark of decontaminate.benchmarks) {
    // One by one: a push of all at once would overflow the stack on a large benchmark.
    for (const item of await readBenchmark(benchmark)) items.push(item);
  }
  const index = indexBytes(buildIndex(items, { n: decontaminate.ngram, numbers: decontaminate.numbers }));
  await writeFileAtomic(path, index);
  await writeFileAtomic(basis, `${wanted} ${createHash('sha256').update(index).digest('hex')}\n`);
}

/** All items of one benchmark file. `card` is a built-in card, a card's path (.md), or a name of the user's own. */
export async function readBenchmark({
  card,
  path,
}: {
  card: string;
  path: string;
}): Promise<BenchmarkItem[]> {
  const { columns, where } = columnsOf(card);
  const name = card.replace(/^.*[\\/]/, '').replace(/\.md$/, '');
  const plan = await planRead([{ path, columns: {} }]);
  const [failure] = plan.failures;
  if (failure !== undefined)
    throw new InputError(failure.file, failure.problem, { hint: 'mend the benchmark file' });
  const items: BenchmarkItem[] = [];
  let row = 0;
  let seen: string[] = [];
  for (const unit of plan.units) {
    for await (const part of readUnit(unit)) {
      if (part.kind === 'failed') {
        throw new InputError(part.file, part.problem, {
          place: part.place,
          hint: 'mend the benchmark file: an item that is not read is not looked for',
        });
      }
      const { records } = part.batch;
      seen = records.schema.fields.map((field) => field.name);
      const cells = new BatchCells(records);
      const id = columns.id !== undefined && seen.includes(columns.id) ? columns.id : undefined;
      for (let at = 0; at < records.numRows; at++) {
        cells.row = at;
        const key = id === undefined ? row : String(cells.read(id));
        row++;
        if (!isSelected(cells.read, where)) continue;
        const item = benchmarkItem(name, fieldsOf(cells.read, columns), key);
        if (item !== undefined) items.push(item);
      }
    }
  }
  if (items.length === 0) {
    throw new UserError(`${path}: none of its ${row} records has a problem for the benchmark ${name}`, {
      hint: `its columns are ${seen.join(', ')}; a card (data-cards/*.md) says which hold problem and solution`,
    });
  }
  return items;
}

function columnsOf(card: string): { columns: Columns; where?: Where | undefined } {
  if (!card.endsWith('.md') && !builtInCards().includes(card)) return { columns: usualColumns };
  const loaded = loadCard(card, process.cwd());
  assertBenchmark(loaded);
  return loaded.project;
}
