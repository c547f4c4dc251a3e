/**
 * Rows of metrics from what a trainer printed: the dictionaries of transformers and TRL (`{'loss': 0.01, 'reward': '0.5', 'epoch': 0.1}`, a line in Python's
 * spelling, since transformers 5 with every number as text), and verl's console logger (`step:12 - actor/entropy:0.31 - ...`, numpy's `np.float64(0.31)` too,
 * behind whatever Ray puts in front). Progress bars share lines with both, ended by a carriage return. Pure; linear in the length of a line.
 */

const verlStart = /(?:^|[\s)])step:(?=\d+ - )/;
const dictStart = /\{'[^']*': /;
const pair = /'([^']{1,200})': (?:'([^']*)'|([^,{}'[\]]{1,100}))/g;

/** Whether a text holds such lines. */
export function isConsoleLog(text: string): boolean {
  return dictStart.test(text) || verlStart.test(text);
}

/** The lines of a printed log; what a progress bar wrote over is a line of its own. */
export function consoleLines(text: string): string[] {
  return text.split(/[\r\n]+/);
}

/** The metrics of a line; undefined where it holds none. A row of transformers has no step. */
export function consoleRow(line: string): Record<string, number> | undefined {
  const verl = verlStart.exec(line);
  const pairs: (readonly [string, string])[] = [];
  if (verl !== null) {
    for (const part of line.slice(verl.index + verl[0].length - 'step:'.length).split(' - ')) {
      const at = part.lastIndexOf(':');
      if (at > 0) pairs.push([part.slice(0, at).trim(), part.slice(at + 1)]);
    }
  } else {
    const at = line.search(dictStart);
    if (at < 0) return undefined;
    for (const [, name, quoted, bare] of line.slice(at).matchAll(pair)) pairs.push([name!, quoted ?? bare!]);
  }
  const row: Record<string, number> = Object.create(null);
  for (const [name, text] of pairs) {
    const value = numberOf(text);
    if (value !== undefined) row[name] = value;
  }
  return Object.keys(row).length === 0 ? undefined : row;
}

/** `0.5`, `np.float64(0.5)`, `tensor(0.5)`; undefined for nan and for anything that is no number. */
function numberOf(text: string): number | undefined {
  const inner = /^\s*(?:[\w.]{1,20}\()?([-+\d.eE]{1,40})\)?\s*$/.exec(text)?.[1];
  const value = inner === undefined ? Number.NaN : Number(inner);
  return Number.isFinite(value) ? value : undefined;
}
