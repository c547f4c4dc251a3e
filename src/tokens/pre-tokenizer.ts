/**
 * Cuts text into the words that byte-pair merges may not cross: the `pre_tokenizer` of a tokenizer.json as one function.
 *
 * Read here: ByteLevel (GPT-2's pattern), Split by a regular expression or string (isolated, removed), Digits, and sequences of
 * these: GPT-2, Llama 3, Qwen 2 and 3, SmolLM, DeepSeek. Anything else is `undefined`, and the caller takes the fallback library.
 *
 * The patterns are Oniguruma's. JavaScript's differ in what `\s` and `\d` mean (U+0085, U+FEFF; digits of other scripts), so
 * these are rewritten as Unicode properties; patterns with constructs that JavaScript lacks are not read here.
 */
import type { Component } from './tokenizer-json.ts';

export type PreTokenize = (text: string) => string[];

/** The split pattern of GPT-2, which ByteLevel uses unless told otherwise. */
export const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** Llama 3's: contractions in any case, digits in groups of up to three, a line break ends a run of punctuation. */
export const llama3Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/** Qwen 2 and 3's: Llama 3's with every digit alone. */
export const qwen2Pattern = llama3Pattern.replace('\\p{N}{1,3}', '\\p{N}');

/** The function for a `pre_tokenizer`, or `undefined` if it has a part that is not read here. */
export function compilePreTokenizer(component: Component | null): PreTokenize | undefined {
  if (component === null) return (text) => [text];
  switch (component.type) {
    case 'ByteLevel':
      return byteLevel(component);
    case 'Digits':
      // Rust's `char::is_numeric`: all of category N, not only decimal digits.
      return isolated(component.individual_digits === true ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu);
    case 'Split':
      return split(component);
    case 'Sequence': {
      const parts = (component.pretokenizers as Component[] | undefined)?.map(compilePreTokenizer);
      if (parts === undefined || parts.some((p) => p === undefined)) return undefined;
      return sequence(parts as PreTokenize[]);
    }
    default:
      return undefined;
  }
}

/** Whether the pieces end up as bytes: a ByteLevel at the end of the chain. */
export function isByteLevel(component: Component | null): boolean {
  if (component?.type === 'Sequence') {
    const parts = component.pretokenizers as Component[] | undefined;
    return parts !== undefined && isByteLevel(parts.at(-1) ?? null) && !parts.slice(0, -1).some(isByteLevel);
  }
  return component?.type === 'ByteLevel';
}

function sequence(parts: PreTokenize[]): PreTokenize {
  const active = parts.filter((p) => p !== whole);
  const [first, ...rest] = active;
  if (first === undefined) return whole;
  if (rest.length === 0) return first;
  return (text) => rest.reduce((pieces, part) => pieces.flatMap(part), first(text));
}

const whole: PreTokenize = (text) => [text];

function byteLevel(component: Component): PreTokenize {
  const cut = component.use_regex === false ? whole : isolated(gpt2Regex);
  // The library's default is true, and files always write it out.
  if (component.add_prefix_space === false) return cut;
  return (text) => cut(text.startsWith(' ') || text === '' ? text : ` ${text}`);
}

function split(component: Component): PreTokenize | undefined {
  const pattern = component.pattern as { Regex?: string; String?: string } | undefined;
  const regex =
    pattern?.Regex !== undefined
      ? toJavaScript(pattern.Regex)
      : pattern?.String !== undefined
        ? new RegExp(pattern.String.replace(/[$^\\.*+?()[\]{}|/]/g, '\\$&'), 'gu')
        : undefined;
  if (regex === undefined) return undefined;
  const behaviour = String(component.behavior).toLowerCase();
  if (component.invert === true) return behaviour === 'removed' ? (text) => matches(text, regex) : undefined;
  if (behaviour === 'isolated') return isolated(regex);
  if (behaviour === 'removed') return (text) => text.split(regex).filter((piece) => piece !== '');
  return undefined;
}

function matches(text: string, regex: RegExp): string[] {
  return text.match(regex)?.filter((piece) => piece !== '') ?? [];
}

/** Every match is a piece, and so is what lies between matches. */
function isolated(regex: RegExp): PreTokenize {
  return (text) => {
    const found = text.match(regex);
    if (found === null) return text === '' ? [] : [text];
    let covered = 0;
    for (const piece of found) covered += piece.length;
    // The usual patterns match everything, so there is nothing between.
    return covered === text.length ? found : withGaps(text, regex);
  };
}

function withGaps(text: string, regex: RegExp): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (const match of text.matchAll(regex)) {
    if (match[0] === '') continue;
    if (match.index > at) pieces.push(text.slice(at, match.index));
    pieces.push(match[0]);
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

/** POSIX brackets, intersections and nested classes, inside a character class: Oniguruma's alone. */
const foreignClass = /\[:|&&|(?<!\\)\[[^\]]*(?<!\\)\[|\\[bBhHwWAzZGkKgR]/;
/** Possessive quantifiers, atomic and named groups, bare flags, word boundaries, anchors: the same, outside classes. */
const foreign = /[*+?}]\+|\(\?[>P<#]|\\[bBhHwWAzZGkKgR]|\(\?[a-z-]+\)|[\^$]/;

/** An Oniguruma pattern as a JavaScript one with the same matches; `undefined` if it uses what JavaScript has not. */
export function toJavaScript(pattern: string): RegExp | undefined {
  const bare = pattern.replace(/\\\\/g, '').replace(/\\[pP]\{[^}]*\}/g, 'x');
  const outside = bare.replace(/\[(?:\\.|[^\]\\])*\]/g, 'x').replace(/\(\?<[=!]/g, '(?:');
  if (foreignClass.test(bare) || foreign.test(outside.replace(/\\[\^$*+?}]/g, 'x'))) return undefined;
  const rewritten = pattern.replace(/\\(.)/gs, (written, c: string) =>
    c === 's'
      ? '\\p{White_Space}'
      : c === 'S'
        ? '\\P{White_Space}'
        : c === 'd'
          ? '\\p{Nd}'
          : c === 'D'
            ? '\\P{Nd}'
            : tidy(written, c),
  );
  try {
    return new RegExp(rewritten, 'gu');
  } catch {
    return undefined;
  }
}

/** Oniguruma lets any punctuation be escaped; JavaScript's `u` mode only its own syntax characters. */
function tidy(written: string, c: string): string {
  return /[A-Za-z0-9^$\\.*+?()[\]{}|/-]/.test(c) ? written : c;
}

const gpt2Regex = toJavaScript(gpt2Pattern)!;
