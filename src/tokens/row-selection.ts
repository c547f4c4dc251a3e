/**
 * Whether a record is one of those that a card's or recipe's `where:` takes. Pure.
 *
 * An absent column or a null passes no test but `notIn`; a 64-bit number counts by its value. Records that are not taken are counted under
 * `notSelected`, so that a selection nobody expected shows in the ledger.
 */
import type { Where, WhereTest } from '../core/slots.ts';
import { listOf, type ReadCell } from './document-fields.ts';

/** The ledger's reason (dropped) for a record that `where:` does not take. */
export const notSelected = 'not_selected';

/** True if every column that `where` names passes its test; without `where`, always. */
export function isSelected(read: ReadCell, where: Where | undefined): boolean {
  if (where === undefined) return true;
  for (const column of Object.keys(where)) if (!passes(read(column), where[column]!)) return false;
  return true;
}

function passes(cell: unknown, test: WhereTest): boolean {
  if (typeof test !== 'object') return same(cell, test);
  if (test.in !== undefined && !test.in.some((value) => same(cell, value))) return false;
  if (test.notIn?.some((value) => same(cell, value))) return false;
  if (test.prefix !== undefined && !(typeof cell === 'string' && cell.startsWith(test.prefix))) return false;
  if (test.min !== undefined && !(isNumber(cell) && Number(cell) >= test.min)) return false;
  if (test.max !== undefined && !(isNumber(cell) && Number(cell) <= test.max)) return false;
  return test.has === undefined || (listOf(cell)?.some((value) => same(value, test.has!)) ?? false);
}

function isNumber(cell: unknown): boolean {
  return (typeof cell === 'number' && !Number.isNaN(cell)) || typeof cell === 'bigint';
}

function same(cell: unknown, value: string | number | boolean): boolean {
  return typeof cell === 'bigint' ? Number(cell) === value : cell === value;
}
