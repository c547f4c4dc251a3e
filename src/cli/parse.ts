/**
 * Parsers for flag values. Each turns the typed text into a value, or throws a `UserError` that names the flag, the value found
 * and what would be accepted. Nothing is clamped and nothing is guessed: `0.3x` is an error, not 0.3.
 */
import { parseAmount } from '../core/amount.ts';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { OptionParser } from './command.ts';

export interface NumberRange {
  min?: number;
  max?: number;
}

/** A finite decimal number, optionally within `min .. max` (both included). */
export function numberValue(range: NumberRange = {}): OptionParser {
  return (value, flag) => inRange(toNumber(value, flag, 'a number'), value, flag, 'a number', range);
}

/** A whole number; `k`, `M`, `B` (or `G`) and `T` multiply by powers of a thousand (`--tokens 20M`). */
export function integerValue(range: NumberRange = {}): OptionParser {
  return (value, flag) => {
    const [, digits, unit] = /^([-+]?[\d_.]+(?:[eE][-+]?\d+)?)([kKmMgGbBtT]?)$/.exec(value.trim()) ?? [];
    const scale = { k: 1e3, m: 1e6, g: 1e9, b: 1e9, t: 1e12 }[(unit ?? '').toLowerCase()] ?? 1;
    const number = toNumber((digits ?? value).replaceAll('_', ''), flag, 'a whole number', value) * scale;
    // 0.3M is 300000 to a person; binary rounding must not turn it into an error.
    const whole = Math.round(number);
    if (Math.abs(whole - number) > 1e-6 || !Number.isSafeInteger(whole))
      throw refuse(flag, value, 'a whole number', range);
    return inRange(whole, value, flag, 'a whole number', range);
  };
}

/** A share between 0 and 1; `30%` is read as 0.3. */
export function shareValue(): OptionParser {
  return (value, flag) => {
    const percent = /^\s*([\d.]+)\s*%\s*$/.exec(value)?.[1];
    const number =
      percent === undefined
        ? toNumber(value, flag, 'a share from 0 to 1')
        : toNumber(percent, flag, 'a share') / 100;
    if (number >= 0 && number <= 1) return number;
    throw new UserError(`${flag} ${value}: a share lies between 0 and 1`, {
      hint:
        number > 1 && number <= 100
          ? `for ${value} percent write ${flag} ${number / 100}`
          : `for example ${flag} 0.3`,
    });
  };
}

/** One of a few words; a near miss is answered with the word that was probably meant. */
export function choiceValue(choices: readonly string[]): OptionParser {
  return (value, flag) => {
    if (choices.includes(value)) return value;
    const near = nearest(value, choices);
    throw new UserError(`${flag} ${value}: not one of ${choices.join(', ')}`, {
      hint: near === undefined ? `for example ${flag} ${choices[0]}` : `did you mean ${flag} ${near}?`,
    });
  };
}

/** Collects a flag that may be given several times into a list; `inner` parses each one. */
export function listValue(inner?: OptionParser): OptionParser {
  return (value, flag, previous) => [
    ...(Array.isArray(previous) ? previous : []),
    inner === undefined ? value : inner(value, flag, undefined),
  ];
}

/** Words joined by commas, into a list; the flag may be repeated. */
export function wordsValue(): OptionParser {
  return (value, flag, previous) => {
    const words = value.split(',').map((word) => word.trim());
    if (words.includes(''))
      throw new UserError(`${flag} ${value === '' ? '""' : value}: expected words joined by commas`, {
        hint: `for example ${flag} one,two`,
      });
    return [...((previous as string[] | undefined) ?? []), ...words];
  };
}

/** `name=value` pairs, repeatable, into an object of strings (`--set web.weight=0.4`). The last one given of a name wins. */
export function assignmentsValue(example = 'web.weight=0.4'): OptionParser {
  return (value, flag, previous) => {
    const at = value.indexOf('=');
    if (at <= 0) {
      throw new UserError(`${flag} ${value}: expected name=value`, {
        hint: `for example ${flag} ${example}`,
      });
    }
    return { ...(previous as Record<string, string> | undefined), [value.slice(0, at)]: value.slice(at + 1) };
  };
}

/** `i/n`: rank i of n ranks, counted from 0. */
export function rankValue(): OptionParser {
  return (value, flag) => {
    const match = /^(\d{1,6})\/(\d{1,6})$/.exec(value.trim());
    const [rank, ranks] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || ranks < 1 || rank >= ranks) {
      throw new UserError(`${flag} ${value}: expected rank/ranks with rank below ranks`, {
        hint: `for example ${flag} 0/4, ${flag} 1/4, ${flag} 2/4 and ${flag} 3/4`,
      });
    }
    return { rank, ranks };
  };
}

function toNumber(text: string, flag: string, what: string, shown = text): number {
  const trimmed = text.trim();
  if (/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(trimmed)) return Number(trimmed);
  throw refuse(flag, shown, what, {});
}

function inRange(number: number, value: string, flag: string, what: string, range: NumberRange): number {
  if (!Number.isFinite(number)) throw refuse(flag, value, what, range);
  if (number < (range.min ?? -Infinity) || number > (range.max ?? Infinity))
    throw refuse(flag, value, what, range);
  return number;
}

function refuse(flag: string, value: string, what: string, range: NumberRange): UserError {
  const { min, max } = range;
  const bounds =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? ` of at least ${min}`
        : max !== undefined
          ? ` of at most ${max}`
          : '';
  const example = what.includes('whole')
    ? (min ?? Math.min(1, max ?? 1))
    : (min ?? Math.min(0.1, max ?? 0.1));
  return new UserError(`${flag} ${value === '' ? '""' : value}: expected ${what}${bounds}`, {
    hint: `for example ${flag} ${example}`,
  });
}

/** A count with an optional K, M, B or T behind it: 20M. */
export function amountValue(text: string, flag: string): number {
  const value = parseAmount(text);
  if (value === undefined || value <= 0)
    throw new UserError(`${flag}: "${text}" is not a count`, {
      hint: 'give a number such as 20000000 or 20M',
    });
  return value;
}

/** `source=path`, which may be repeated, also for one source. */
export function sourcePathsValue(text: string, flag: string, previous: unknown): Record<string, string[]> {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1) {
    throw new UserError(`${flag}: "${text}" is not of the form source=path`, {
      hint: `for example ${flag} web=runs/filter`,
    });
  }
  const earlier = (previous ?? {}) as Record<string, string[]>;
  const name = text.slice(0, at);
  return { ...earlier, [name]: [...(earlier[name] ?? []), text.slice(at + 1)] };
}
