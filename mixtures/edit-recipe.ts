/**
 * Changes values in the YAML text of a recipe and leaves every other byte as it was: comments, order, quotes, notes, line ends.
 *
 * The text is parsed (`yaml`), the nodes to change are found, and only their characters are replaced; the result is read again and must
 * mean what was asked for, else it is an error and nothing is written. A weight that came with evidence and is changed becomes
 * `evidence: own` with the note of what it was; changed back, it is what it was. Gives up: recipes whose changed values are written
 * with anchors, aliases or merge keys in a way that one change would move another value; they say so.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path';
import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
} from 'yaml';
import { amountUnits } from '../src/core/amount.ts';
import { InputError } from '../src/core/errors.ts';
import { evidenceTags } from '../src/core/evidence.ts';
import type { Packing, Recipe } from './recipe.ts';
import { parseRecipe } from './recipe.ts';

export interface WeightChange {
  value: number;
  /** Put before the note of what it was; for a source that is switched off. */
  note?: string;
}

/** New values; what is left out stays. */
export interface RecipeChanges {
  weights?: Readonly<Record<string, WeightChange>>;
  fill?: string;
  budget?: number;
  sequenceLength?: number;
  /** Only for a recipe with `training`. */
  batchTokens?: number;
  tokenizer?: string;
  seed?: number;
  packing?: Packing;
  repeatLimit?: number;
}

/** Text put in place of the characters from `start` to `end`. */
interface Splice {
  start: number;
  end: number;
  text: string;
}

/** The recipe's text with `changes`. Throws an `InputError` if the text cannot hold them. */
export function editRecipe(text: string, changes: RecipeChanges, file: string): string {
  const editor = new Editor(text, file);
  for (const [name, change] of Object.entries(changes.weights ?? {})) editor.weight(name, change);
  if (changes.fill !== undefined) editor.plain(['fill'], changes.fill, 'sequenceLength');
  if (changes.tokenizer !== undefined) editor.plain(['tokenizer'], changes.tokenizer, 'name');
  if (changes.budget !== undefined)
    editor.evidenced(['budget'], changes.budget, amountYaml(changes.budget), 'sequenceLength');
  if (changes.sequenceLength !== undefined)
    editor.evidenced(['sequenceLength'], changes.sequenceLength, String(changes.sequenceLength), 'budget');
  if (changes.batchTokens !== undefined)
    editor.evidenced(
      ['training', 'batchTokens'],
      changes.batchTokens,
      String(changes.batchTokens),
      undefined,
    );
  if (changes.seed !== undefined) editor.plain(['seed'], changes.seed, 'sequenceLength');
  if (changes.packing !== undefined) editor.plain(['packing'], changes.packing, 'sequenceLength');
  if (changes.repeatLimit !== undefined) editor.plain(['repeatLimit'], changes.repeatLimit, 'sequenceLength');
  const edited = editor.result();
  check(parseRecipe(edited, file), changes, file);
  return edited;
}

/** The recipe's text for another folder: relative paths in it (data, cards, a tokenizer's folder) start there. */
export function moveRecipe(
  text: string,
  {
    from,
    to,
    file,
    isFolder,
  }: { from: string; to: string; file: string; isFolder: (path: string) => boolean },
): string {
  if (resolve(from) === resolve(to)) return text;
  const recipe = parseRecipe(text, file);
  const editor = new Editor(text, file);
  const moved = (path: string): string => {
    if (isAbsolute(path)) return path;
    const there = relative(to, resolve(from, path)).split(sep).join('/');
    return there.startsWith('.') ? there : `./${there}`;
  };
  for (const [name, source] of Object.entries(recipe.sources)) {
    if (source.card?.endsWith('.md'))
      editor.replace(['sources', name, 'card'], scalarYaml(moved(source.card)));
    const { data } = source;
    if (typeof data === 'string') editor.replace(['sources', name, 'data'], scalarYaml(moved(data)));
    else if (Array.isArray(data))
      data.forEach((path, i) => {
        editor.replace(['sources', name, 'data', i], scalarYaml(moved(path)));
      });
  }
  const { tokenizer } = recipe;
  if (typeof tokenizer === 'string' && isFolder(resolve(from, tokenizer)))
    editor.replace(['tokenizer'], scalarYaml(moved(tokenizer)));
  return editor.result();
}

class Editor {
  private readonly splices: Splice[] = [];
  private readonly root: YAMLMap;
  private readonly lineEnd: string;
  private readonly text: string;
  private readonly file: string;

  constructor(text: string, file: string) {
    const document = parseDocument(text);
    if (document.errors.length > 0 || !isMap(document.contents)) {
      throw new InputError(file, 'is not YAML that can be edited', {
        hint: 'mend the file, or save under another name',
      });
    }
    this.text = text;
    this.file = file;
    this.root = document.contents;
    this.lineEnd = /\r\n/.test(text) ? '\r\n' : '\n';
  }

  /** A key whose value is the value itself. New ones come after the top-level key `after`. */
  plain(path: readonly string[], value: string | number, after: string): void {
    const text = scalarYaml(value);
    if (this.pair(path) === undefined) this.insert(this.root, path.at(-1)!, text, after);
    else this.replace(path, text);
  }

  /** A key whose value may be `{ value, evidence, note }`. */
  evidenced(path: readonly string[], value: number, text: string, after: string | undefined): void {
    const pair = this.pair(path);
    if (pair === undefined) {
      if (path.length === 1) this.insert(this.root, path[0]!, text, after);
      return;
    }
    if (isMap(pair.value)) this.evidence(pair.value, text, String(value), undefined);
    else this.replace(path, text);
  }

  weight(name: string, { value, note }: WeightChange): void {
    const source = this.pair(['sources', name])?.value;
    if (!isMap(source)) throw new InputError(this.file, `has no source ${name} to change`, {});
    const pair = find(source, 'weight');
    const text = decimal(value);
    if (isMap(pair?.value)) this.evidence(pair.value, text, text, note);
    else {
      const full =
        note === undefined
          ? text
          : `{ value: ${text}, evidence: own, note: ${scalarYaml(this.oldNote(pair, note))} }`;
      if (pair === undefined) this.insert(source, 'weight', full, 'card');
      else this.replaceNode(pair.value, full, pair);
    }
  }

  private oldNote(pair: Pair | undefined, note: string): string {
    return isScalar(pair?.value) && typeof pair.value.value === 'number'
      ? `${note}; recipe: ${pair.value.value}`
      : note;
  }

  /** Puts a value into `{ value, evidence, note }`: own now, with a note of what it was. */
  private evidence(map: YAMLMap, text: string, shown: string, extra: string | undefined): void {
    const [value, evidence, note] = ['value', 'evidence', 'note'].map((key) => find(map, key));
    if (value === undefined || evidence === undefined)
      throw this.cannot('a figure without value and evidence');
    const tag = String(scalarOf(evidence) ?? 'own');
    const said = note === undefined ? undefined : String(scalarOf(note) ?? '');
    // "switched off at ..." belongs to one save.
    const kept = said?.replace(/^switched off at [\d.]+(; )?/, '');
    const before = new RegExp(`^recipe: (\\S+) \\((${evidenceTags.join('|')})\\)(?:, ([^]*))?$`).exec(
      kept ?? '',
    );
    let [newTag, newNote]: [string, string | undefined] = ['own', kept];
    if (before !== null && before[1] === shown && extra === undefined)
      [newTag, newNote] = [before[2]!, before[3]];
    else if (tag !== 'own') {
      const was = scalarOf(value);
      newNote = `recipe: ${was} (${tag})${kept === undefined || kept === '' ? '' : `, ${kept}`}`;
    }
    if (extra !== undefined)
      newNote = newNote === undefined || newNote === '' ? extra : `${extra}; ${newNote}`;
    this.replaceNode(value.value, text, value);
    if (newTag !== tag) this.replaceNode(evidence.value, newTag, evidence);
    const noteText = newNote === undefined || newNote === '' ? undefined : scalarYaml(newNote, "'");
    if (note !== undefined && newNote !== said) {
      if (noteText === undefined) this.remove(map, note);
      else this.replaceNode(note.value, noteText, note);
    } else if (note === undefined && noteText !== undefined) this.insert(map, 'note', noteText, 'evidence');
  }

  replace(path: readonly (string | number)[], text: string): void {
    const last = path.at(-1)!;
    if (typeof last === 'number') {
      const list = this.pair(path.slice(0, -1) as string[])?.value;
      if (isSeq(list)) this.replaceNode(list.items[last], text, undefined);
      return;
    }
    const pair = this.pair(path as string[]);
    if (pair !== undefined) this.replaceNode(pair.value, text, pair);
  }

  private replaceNode(node: unknown, text: string, pair: Pair | undefined): void {
    const range = (node as Scalar | null | undefined)?.range;
    if (range === undefined || range === null)
      throw this.cannot(`a value at ${String((pair?.key as Scalar)?.value)}`);
    const [start, end] = range;
    // An empty value is nothing behind the colon.
    const gap = start === end && this.text[start - 1] === ':' ? ' ' : '';
    if (this.text.slice(start, end) !== text) this.splices.push({ start, end, text: `${gap}${text}` });
  }

  /** A new key after the key `after` of `map` (else after its last). */
  private insert(map: YAMLMap, key: string, text: string, after: string | undefined): void {
    const pair =
      (after === undefined ? undefined : find(map, after)) ?? (map.items.at(-1) as Pair | undefined);
    const range =
      (pair?.value as Scalar | null | undefined)?.range ?? (pair?.key as Scalar | undefined)?.range;
    if (pair === undefined || range === undefined || range === null) throw this.cannot(`a place for ${key}`);
    if (map.flow === true) {
      this.splices.push({ start: range[1], end: range[1], text: `, ${key}: ${text}` });
      return;
    }
    const keyStart = (pair.key as Scalar).range![0];
    const indent = keyStart - (this.text.lastIndexOf('\n', keyStart - 1) + 1);
    // Behind the value's line with its comment; a block value ends where its last line does.
    let at = this.text[range[1] - 1] === '\n' ? range[1] : this.text.indexOf('\n', range[1]);
    const unended = at < 0;
    if (unended) at = this.text.length;
    else if (this.text[range[1] - 1] !== '\n') at++;
    const line = `${' '.repeat(indent)}${key}: ${text}`;
    this.splices.push({
      start: at,
      end: at,
      text: unended ? `${this.lineEnd}${line}` : `${line}${this.lineEnd}`,
    });
  }

  /** Takes a key that is not the first out of its map. */
  private remove(map: YAMLMap, pair: Pair): void {
    const before = map.items[map.items.indexOf(pair) - 1]?.value as Scalar | undefined;
    const end = (pair.value as Scalar | null)?.range?.[1];
    const from = map.flow === true ? before?.range?.[1] : this.lineEndBefore((pair.key as Scalar).range![0]);
    if (from === undefined || end === undefined)
      throw this.cannot(`the key ${String((pair.key as Scalar).value)}`);
    this.splices.push({ start: from, end, text: '' });
  }

  private lineEndBefore(at: number): number {
    const start = this.text.lastIndexOf('\n', at - 1);
    return this.text[start - 1] === '\r' ? start - 1 : start;
  }

  private pair(path: readonly string[]): Pair | undefined {
    let map: unknown = this.root;
    let pair: Pair | undefined;
    for (const key of path) {
      if (!isMap(map)) return undefined;
      pair = find(map, key);
      map = pair?.value;
    }
    return pair;
  }

  private cannot(what: string): InputError {
    return new InputError(this.file, `${what} cannot be edited as it is written`, {
      hint: 'write it out in full in the file, or save under another name',
    });
  }

  result(): string {
    let edited = this.text;
    // From the end, so that earlier places stay where they are; of two at one place the one asked for first stands first.
    const ordered = this.splices
      .map((splice, i) => ({ ...splice, i }))
      .sort((a, b) => b.start - a.start || b.i - a.i);
    for (const { start, end, text } of ordered) edited = edited.slice(0, start) + text + edited.slice(end);
    return edited;
  }
}

function find(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((item): item is Pair => isPair(item) && isScalar(item.key) && item.key.value === key);
}

function scalarOf(pair: Pair): unknown {
  return isScalar(pair.value) ? pair.value.value : undefined;
}

/** A scalar as YAML on one line. */
function scalarYaml(value: string | number, quote?: "'"): string {
  if (typeof value === 'number') return String(value);
  if (quote !== undefined && !/[\r\n\t\x00-\x1f\x7f-\x9f]/.test(value))
    return `'${value.replaceAll("'", "''")}'`;
  return stringify(value, {
    lineWidth: 0,
    defaultStringType: /^[\w./-]+$/.test(value) ? 'PLAIN' : 'QUOTE_DOUBLE',
  }).trimEnd();
}

/** A share without exponent: 0.0125. */
function decimal(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, '');
}

/** 20000000000 as `20B` where that is exact. */
function amountYaml(tokens: number): string {
  for (const [unit, size] of amountUnits) {
    const short = tokens / size;
    if (short >= 1 && Math.round(Number(short.toFixed(3)) * size) === tokens)
      return `${Number(short.toFixed(3))}${unit}`;
  }
  return String(tokens);
}

/** An edit that moved anything else, or not what it should, is not written. */
function check(recipe: Recipe, changes: RecipeChanges, file: string): void {
  const wrong: string[] = [];
  const expect = (name: string, found: unknown, asked: unknown): void => {
    if (asked !== undefined && found !== asked)
      wrong.push(`${name} is ${String(found)} instead of ${String(asked)}`);
  };
  for (const [name, { value }] of Object.entries(changes.weights ?? {}))
    expect(`the weight of ${name}`, recipe.sources[name]?.weight?.value, Number(decimal(value)));
  expect('fill', recipe.fill, changes.fill);
  expect('budget', recipe.budget?.value, changes.budget);
  expect('sequenceLength', recipe.sequenceLength.value, changes.sequenceLength);
  expect(
    'batchTokens',
    recipe.training?.batchTokens.value,
    recipe.training === undefined ? undefined : changes.batchTokens,
  );
  expect('tokenizer', recipe.tokenizer, changes.tokenizer);
  expect('seed', recipe.seed, changes.seed);
  expect('packing', recipe.packing, changes.packing);
  expect('repeatLimit', recipe.repeatLimit, changes.repeatLimit);
  if (wrong.length > 0) {
    throw new InputError(file, `cannot be edited as it is written: ${wrong.join('; ')}`, {
      hint: 'write values out in full (no anchors, no merge keys), or save under another name',
    });
  }
}
