/**
 * The lines that are typed into the designer: what each is called, what it starts with, and what its text does. A text that is no value
 * leaves the prompt open with what is wrong and what would do. Pure.
 */
import { type Group, groupShare } from '../../mixtures/design/actions.ts';
import { decimalShare, shareOfText, whole } from '../../mixtures/design/design.ts';
import { perform } from '../../mixtures/design/history.ts';
import { parseAmount } from '../core/amount.ts';
import { nearest } from '../core/config.ts';
import {
  chosenSource,
  type DesignUi,
  type Effect,
  type Field,
  type Prompt,
  type Surroundings,
} from './design-state.ts';
import { exactAmount, tokenizerText } from './design-summary.ts';
import { visibleLine } from './visible-text.ts';

export interface Typed {
  ui: DesignUi;
  effect?: Effect;
}

/** Characters a line may have. */
const longest = 1000;

export function openPrompt(ui: DesignUi, field: Field, around: Surroundings, first?: string): DesignUi {
  const text = first ?? initialText(ui, field, around);
  const prompt: Prompt = { field, text, caret: text.length, fresh: first === undefined };
  return { ...ui, prompt, message: undefined };
}

function initialText(ui: DesignUi, field: Field, around: Surroundings): string {
  const { settings } = ui.history.present;
  switch (field) {
    case 'share':
      return percentOf(chosenSource(ui).share);
    case 'qa':
    case 'long-cot':
    case 'instruction':
      return percentOf(groupShare(ui.history.present, field));
    case 'budget':
      return settings.budget === undefined ? '' : exactAmount(settings.budget).replaceAll(',', '');
    case 'sequenceLength':
      return String(settings.sequenceLength);
    case 'batchTokens':
      return String(around.batchTokens);
    case 'tokenizer':
      return typeof settings.tokenizer === 'string' ? tokenizerText(settings.tokenizer) : '';
    case 'seed':
      return String(settings.seed);
    case 'repeatLimit':
      return String(settings.repeatLimit);
    case 'model':
      return ui.model;
    case 'speed':
      return '';
    case 'save':
      return around.suggestedFile;
    case 'export':
      return around.suggestedExport;
    case 'mix':
      return around.suggestedOutput;
  }
}

/** What stands before the text, and what may be typed. */
export function promptLabel(ui: DesignUi, field: Field): { label: string; hint: string } {
  const labels: Record<Field, readonly [string, string]> = {
    share: [`share of ${visibleLine(chosenSource(ui).name)}, %`, '12.5'],
    qa: ['share of all QA data, %', 'long chains of thought count as QA'],
    'long-cot': ['share of long chains of thought, %', 'inside the QA share'],
    instruction: ['share of instruction data, %', '10'],
    budget: ['tokens in the mixture', '20B, 300M, 5e9 is not read; empty: what fits without repeats'],
    sequenceLength: ['tokens a model sees at once', '8192'],
    batchTokens: ['tokens of one training step', '4M or 4194304'],
    tokenizer: ['tokenizer', 'a folder with tokenizer.json, or a Hub name'],
    seed: ['seed of the order', '0'],
    repeatLimit: ['passes a source may be read', '4'],
    model: ['model the time is for', 'Llama-3.2-3B'],
    speed: ['speed in TFLOP/s', "990 is a data sheet's H100; 40 % of it is reckoned with"],
    save: ['save as', 'Enter saves'],
    export: ['write plan and command line to', 'a JSON file'],
    mix: ['mix into folder', 'Enter starts mix'],
  };
  const [label, hint] = labels[field];
  return { label, hint: field === 'budget' ? '20B, 300M; empty: what fits without repeats' : hint };
}

/** Enter: takes the text, or says what is wrong with it. */
export function submit(ui: DesignUi, around: Surroundings): Typed {
  const { prompt } = ui;
  if (prompt === undefined) return { ui };
  const text = prompt.text.trim();
  const wrong = (error: string): Typed => ({ ui: { ...ui, prompt: { ...prompt, error } } });
  const closed: DesignUi = { ...ui, prompt: undefined };
  switch (prompt.field) {
    case 'share':
    case 'qa':
    case 'long-cot':
    case 'instruction': {
      const share = shareOfText(text);
      if (share === undefined)
        return wrong(`"${visibleLine(text)}" is not a percentage; type 0 to 100, such as 12.5`);
      const action =
        prompt.field === 'share'
          ? { kind: 'share' as const, source: chosenSource(ui).name, share }
          : { kind: 'group' as const, group: prompt.field as Group, share };
      const done = perform(ui.history, action);
      if (done.refused === true) return wrong(done.message ?? 'that cannot be');
      return {
        ui: {
          ...closed,
          history: done.history,
          message: done.message === undefined ? undefined : { text: done.message, tone: 'plain' },
        },
      };
    }
    case 'budget': {
      if (text === '') return set(closed, { budget: undefined });
      const budget = parseAmount(text);
      if (budget === undefined || budget < 1 || !Number.isSafeInteger(budget))
        return wrong(
          `"${visibleLine(text)}" is not a count of tokens; units are k, M, B and T: 20B, 300M, 32000`,
        );
      return set(closed, { budget });
    }
    case 'sequenceLength': {
      const sequenceLength = parseAmount(text);
      if (sequenceLength === undefined || sequenceLength < 1 || sequenceLength > 1e8)
        return wrong(
          `"${visibleLine(text)}" is not a length in tokens; type a whole number such as 4096 or 8192`,
        );
      return set(closed, { sequenceLength });
    }
    case 'batchTokens': {
      const batchTokens = parseAmount(text);
      if (batchTokens === undefined || batchTokens < 1 || !Number.isSafeInteger(batchTokens))
        return wrong(`"${visibleLine(text)}" is not a count of tokens; type one such as 4194304 or 4M`);
      return set(closed, { batchTokens });
    }
    case 'tokenizer': {
      const checked = around.checkTokenizer(text);
      return 'error' in checked ? wrong(checked.error) : set(closed, { tokenizer: checked.tokenizer });
    }
    case 'seed': {
      const seed = /^\d+$/.test(text) ? Number(text) : undefined;
      if (seed === undefined || !Number.isSafeInteger(seed))
        return wrong(`"${visibleLine(text)}" is not a seed; type a whole number from 0 on`);
      return set(closed, { seed });
    }
    case 'repeatLimit': {
      const repeatLimit = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : 0;
      if (!(repeatLimit > 0 && repeatLimit <= 1e6))
        return wrong(`"${visibleLine(text)}" is not a number of passes; type one above 0, such as 4`);
      return set(closed, { repeatLimit });
    }
    case 'model': {
      const named = around.models.find((name) => name.toLowerCase() === text.toLowerCase());
      if (named === undefined) {
        const near = nearest(text, around.models);
        return wrong(
          `no model "${visibleLine(text)}"${near === undefined ? '' : `; did you mean ${near}?`} Known: ${around.models.join(', ')}`,
        );
      }
      return { ui: { ...closed, model: named } };
    }
    case 'speed': {
      const match = /^(\d+(?:\.\d+)?)\s*([tgp]?)(?:flops?(?:\/s)?)?$/i.exec(text);
      const flops =
        match === null ? 0 : Number(match[1]) * ({ g: 1e9, p: 1e15 }[match[2]!.toLowerCase()] ?? 1e12);
      if (!(flops > 0 && Number.isFinite(flops)))
        return wrong(`"${visibleLine(text)}" is not a speed; type TFLOP/s such as 990, or 12G`);
      return {
        ui: { ...closed, speed: { flopsPerSecond: flops, label: speedText(flops), utilisation: undefined } },
      };
    }
    case 'save':
    case 'export':
    case 'mix': {
      if (text === '') return wrong('type a path, or Esc to leave it');
      if (prompt.field === 'export') return { ui: closed, effect: { kind: 'export', path: text } };
      if (prompt.field === 'mix') return { ui: closed, effect: { kind: 'mix', output: text } };
      return {
        ui: closed,
        effect: { kind: 'save', path: text, force: false, after: prompt.after ?? 'stay' },
      };
    }
  }
}

function set(
  ui: DesignUi,
  settings: Parameters<typeof perform>[1] extends infer A
    ? A extends { kind: 'settings'; settings: infer S }
      ? S
      : never
    : never,
): Typed {
  return { ui: { ...ui, history: perform(ui.history, { kind: 'settings', settings }).history } };
}

export function speedText(flopsPerSecond: number): string {
  const tera = flopsPerSecond / 1e12;
  return tera >= 0.1
    ? `${Number(tera.toPrecision(3)).toLocaleString('en-US')} TFLOP/s`
    : `${Number((flopsPerSecond / 1e9).toPrecision(2))} GFLOP/s`;
}

/** A character (or pasted text) at the caret. Line ends and control characters are left out. */
export function typeText(prompt: Prompt, text: string): Prompt {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '');
  if (clean === '') return prompt;
  const { error: _, ...rest } = prompt;
  if (prompt.fresh)
    return { ...rest, text: clean.slice(0, longest), caret: Math.min(longest, clean.length), fresh: false };
  const joined = prompt.text.slice(0, prompt.caret) + clean + prompt.text.slice(prompt.caret);
  return joined.length > longest
    ? prompt
    : { ...rest, text: joined, caret: prompt.caret + clean.length, fresh: false };
}

export type Edit = 'left' | 'right' | 'home' | 'end' | 'backspace' | 'delete' | 'clear';

export function editText(prompt: Prompt, edit: Edit): Prompt {
  const { text, caret } = prompt;
  const { error: _, ...kept } = prompt;
  const at = (to: number): Prompt => ({ ...prompt, caret: to, fresh: false });
  // Whole characters: one may be two code units.
  const before = [...text.slice(0, caret)].at(-1)?.length ?? 0;
  const behind = [...text.slice(caret)][0]?.length ?? 0;
  if (edit === 'left') return at(caret - before);
  if (edit === 'right') return at(caret + behind);
  if (edit === 'home') return at(0);
  if (edit === 'end') return at(text.length);
  if (edit === 'clear') return { ...kept, text: text.slice(caret), caret: 0, fresh: false };
  if (edit === 'delete')
    return { ...kept, text: text.slice(0, caret) + text.slice(caret + behind), fresh: false };
  if (prompt.fresh)
    return { ...kept, text: text.slice(0, text.length - before), caret: text.length - before, fresh: false };
  return {
    ...kept,
    text: text.slice(0, caret - before) + text.slice(caret),
    caret: caret - before,
    fresh: false,
  };
}

function percentOf(share: number): string {
  return decimalShare(Math.min(whole * 100, share * 100));
}
