/**
 * Conversations through a tokenizer's own chat template, as transformers' `apply_chat_template(tokenize=False)` writes them: Jinja with
 * trim_blocks and lstrip_blocks, the special tokens by name, add_generation_prompt as asked, no tools, raise_exception.
 *
 * Two things differ, both on purpose. `strftime_now` gives a fixed date and never reads the clock, so that equal inputs give equal bytes.
 * And what a record says cannot become a special token: every spelling of one inside a content is replaced by private characters before
 * rendering and put back afterwards, in a part that is encoded without special tokens. A page that says `<|im_end|>` then ends no turn.
 * Where no content spells one, there is a single part, and its ids are transformers' ids.
 *
 * Templates come from strangers too: bounded-template.ts says how much one may do and write.
 *
 * Given up: tools, documents, several templates by name (only `default` of such a list), tokens that come about across the edges of a content
 * in other ways than by its first and last characters, special tokens matched after normalisation.
 * Sources: transformers `utils/chat_template_utils.py` and `tokenization_utils_base.py` (5.23).
 */
import { InputError, messageOf } from '../core/errors.ts';
import { BoundedTemplate, OverBudget } from './bounded-template.ts';
import { type ChatSpec, chatSpecOf } from './chat-spec.ts';
import type { TokenizerFiles } from './tokenizer-files.ts';
import type { Tokenizer } from './tokenizer-interface.ts';

/** A piece of a rendered conversation, to be encoded apart from its neighbours. */
export interface ChatPart {
  text: string;
  /** Whether spellings of special tokens in it are those tokens: true only for what the template wrote. */
  special: boolean;
}

export interface ChatOptions {
  /** What `strftime_now` gives: year-month-day. Default 2025-01-01: a date of no meaning, the same for everybody. */
  date?: string;
}

export type ChatMessage = { role: string; content: string };
export type Rendered =
  | { parts: ChatPart[] }
  | { problem: 'template_error' | 'template_too_long' | 'unknown_speaker' };

/** Roles are pasted into tokens (`<|` + role + `|>`), so only names that are known to be roles are let through. */
const knownRoles = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function', 'ipython']);
const defaultDate = '2025-01-01';
const firstPrivate = 0xe000;
const lastPrivate = 0xf8ff;
/** A parsed chat template. Throws an `InputError` naming the file where it is not Jinja that can be read. */
export class ChatTemplate {
  /** What was wrong with the last conversation that could not be rendered. */
  lastError = '';
  private readonly spec: ChatSpec;
  private readonly template: BoundedTemplate;
  /** Private characters that the template itself writes; none of them may stand for a spelling. */
  private readonly taken: ReadonlySet<string>;
  private readonly spelled: RegExp;
  private readonly cuts: RegExp | undefined;
  private readonly edges: { prefixes: Set<string>; suffixes: Set<string>; longest: number };

  constructor(spec: ChatSpec, options: ChatOptions = {}) {
    this.spec = spec;
    const written = spec.template + Object.values(spec.variables).join('');
    this.taken = new Set(written.match(/[\uE000-\uF8FF]/g));
    try {
      this.template = new BoundedTemplate(spec.template, options.date ?? defaultDate);
    } catch (error) {
      throw new InputError(spec.file, `its chat template cannot be read: ${messageOf(error)}`, {
        hint: 'mend the template, or take another template for this source (template: user-assistant)',
        cause: error,
      });
    }
    const longestFirst = [...spec.specials].sort((a, b) => b.content.length - a.content.length);
    const spellings = longestFirst.map(({ content }) => escapeForRegex(content));
    // A private character that a page holds is replaced like a spelling, so that it cannot pass for one that stands for another.
    this.spelled = new RegExp([...spellings, '[\\uE000-\\uF8FF]'].join('|'), 'gu');
    this.cuts =
      spellings.length === 0
        ? undefined
        : new RegExp(
            longestFirst
              .map(({ lstrip, rstrip }, i) => `${lstrip ? '\\s*' : ''}${spellings[i]}${rstrip ? '\\s*' : ''}`)
              .join('|'),
            'gu',
          );
    this.edges = edgesOf(spec.specials.map(({ content }) => content));
  }

  /** The template of a tokenizer's files; undefined where it has none. */
  static of(files: TokenizerFiles, options: ChatOptions = {}): ChatTemplate | undefined {
    const spec = chatSpecOf(files);
    return spec === undefined ? undefined : new ChatTemplate(spec, options);
  }

  /**
   * The conversation in parts to be encoded one by one, or why there is none. Never throws for what a record or a template does.
   * `addGenerationPrompt` opens the assistant's turn, as a prompt for a model needs it.
   */
  render(messages: readonly ChatMessage[], { addGenerationPrompt = false } = {}): Rendered {
    if (messages.some(({ role }) => !knownRoles.has(role))) return { problem: 'unknown_speaker' };
    const hidden = new HiddenSpellings(this.taken);
    const safe = messages.map(({ role, content }) => ({ role, content: this.hide(content, hidden) }));
    if (hidden.overflow)
      return this.failed('template_error', 'more private characters than can be told apart');
    const characters = messages.reduce((n, { content }) => n + content.length, 0);
    let text: string;
    try {
      text = this.template.render(
        {
          ...this.spec.variables,
          messages: safe,
          tools: null,
          documents: null,
          add_generation_prompt: addGenerationPrompt,
        },
        characters,
      );
    } catch (error) {
      return this.failed(
        error instanceof OverBudget ? 'template_too_long' : 'template_error',
        messageOf(error),
      );
    }
    return { parts: hidden.size === 0 ? [{ text, special: true }] : this.partsOf(text, hidden) };
  }

  private failed(problem: 'template_error' | 'template_too_long', message: string): Rendered {
    this.lastError = message;
    return { problem };
  }

  /** The content with private characters for spellings of special tokens, and for what could become half of one at its edges. */
  private hide(content: string, hidden: HiddenSpellings): string {
    const safe = content.replace(this.spelled, (spelling) => hidden.hide(spelling));
    const { prefixes, suffixes, longest } = this.edges;
    let out = safe;
    const end = out.trimEnd().length;
    const start = out.length - out.trimStart().length;
    for (let n = Math.min(longest, end); n > 0; n--) {
      const piece = out.slice(end - n, end);
      if (!prefixes.has(piece)) continue;
      out = out.slice(0, end - n) + hidden.hide(piece) + out.slice(end);
      break;
    }
    for (let n = Math.min(longest, out.length - start); n > 0; n--) {
      const piece = out.slice(start, start + n);
      if (suffixes.has(piece)) return out.slice(0, start) + hidden.hide(piece) + out.slice(start + n);
    }
    return out;
  }

  /** Cuts at the template's own special tokens; runs with a hidden spelling are encoded without any. */
  private partsOf(text: string, hidden: HiddenSpellings): ChatPart[] {
    const parts: ChatPart[] = [];
    const add = (piece: string, special: boolean): void => {
      if (piece === '') return;
      const last = parts.at(-1);
      if (special && last?.special) last.text += piece;
      else parts.push({ text: piece, special });
    };
    const run = (piece: string): void => {
      const told = hidden.restore(piece);
      add(told, told === piece);
    };
    let from = 0;
    for (const match of this.cuts === undefined ? [] : text.matchAll(this.cuts)) {
      run(text.slice(from, match.index));
      add(match[0], true);
      from = match.index + match[0].length;
    }
    run(text.slice(from));
    return parts;
  }
}

/** The ids of a rendered conversation: special tokens only where the template wrote them. */
export function encodeChat(tokenizer: Tokenizer, parts: readonly ChatPart[]): Uint32Array {
  if (parts.length === 1) return tokenizer.encode(parts[0]!.text, { special: parts[0]!.special });
  const pieces = parts.map(({ text, special }) => tokenizer.encode(text, { special }));
  const ids = new Uint32Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    ids.set(piece, at);
    at += piece.length;
  }
  return ids;
}

/** All of the text, as people read it. */
export function textOfParts(parts: readonly ChatPart[]): string {
  return parts.map(({ text }) => text).join('');
}

/**
 * Private characters that stand for the characters of spellings in one conversation, one for one: so lengths stay, and a template may cut a
 * content anywhere.
 */
class HiddenSpellings {
  overflow = false;
  private readonly standIns = new Map<string, string>();
  private readonly originals = new Map<string, string>();
  private readonly taken: ReadonlySet<string>;
  private next = firstPrivate;

  constructor(taken: ReadonlySet<string>) {
    this.taken = taken;
  }

  get size(): number {
    return this.originals.size;
  }

  hide(spelling: string): string {
    let out = '';
    for (const unit of spelling.split('')) out += this.standIns.get(unit) ?? this.standInFor(unit);
    return out;
  }

  private standInFor(unit: string): string {
    while (this.taken.has(String.fromCharCode(this.next))) this.next++;
    const standIn = String.fromCharCode(this.next++);
    if (standIn.charCodeAt(0) > lastPrivate) {
      this.overflow = true;
      return ' ';
    }
    this.standIns.set(unit, standIn);
    this.originals.set(standIn, unit);
    return standIn;
  }

  restore(text: string): string {
    return text.replace(/[\uE000-\uF8FF]/g, (unit) => this.originals.get(unit) ?? unit);
  }
}

/** Proper beginnings and ends of the tokens: what could become a whole one together with what the template puts beside a content. */
function edgesOf(tokens: readonly string[]): {
  prefixes: Set<string>;
  suffixes: Set<string>;
  longest: number;
} {
  const prefixes = new Set<string>();
  const suffixes = new Set<string>();
  let longest = 0;
  for (const token of tokens) {
    longest = Math.max(longest, token.length - 1);
    for (let n = 1; n < token.length; n++) {
      prefixes.add(token.slice(0, n));
      suffixes.add(token.slice(n));
    }
  }
  return { prefixes, suffixes, longest };
}

function escapeForRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
