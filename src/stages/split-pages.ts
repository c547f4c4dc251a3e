/**
 * Cuts units of HTML pages smaller: extracting a page costs some fifty times what reading a row of text costs, so a unit that is
 * right for Parquet would keep one worker busy for an hour while the others are idle. Pure; pages keep their order.
 */
import type { ReadUnit } from '../io/read-plan.ts';

/** The unit in parts of about `partBytes` and equal numbers of pages; other formats come back as they are. */
export function splitPages(unit: ReadUnit, partBytes: number): ReadUnit[] {
  const { files } = unit;
  if (unit.format !== 'html' || files === undefined) return [unit];
  const parts = Math.min(files.length, Math.ceil(unit.bytes / partBytes));
  if (parts <= 1) return [unit];
  const share = (part: number): number => Math.floor((files.length * part) / parts);
  return Array.from({ length: parts }, (_, part) => {
    const [start, end] = [share(part), share(part + 1)];
    return {
      ...unit,
      id: `${unit.id}.${part}`,
      files: files.slice(start, end),
      firstRow: unit.firstRow + start,
      rows: end - start,
      // The sizes of single pages are not in the plan; for progress their mean serves. Only together are those of all parts exact.
      bytes: Math.round((unit.bytes * (part + 1)) / parts) - Math.round((unit.bytes * part) / parts),
    };
  });
}

/** Which part of a unit that `splitPages` cut: its parts follow each other in a plan, from 0 on. Also 0 for a unit that was not cut. */
export function partOf(id: string): number {
  return Number(/#html\d+-\d+(?:~\d+)?\.(\d+)$/.exec(id)?.[1] ?? 0);
}
