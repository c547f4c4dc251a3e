/**
 * A Jinja template of a stranger, run within bounds. The interpreter counts its work (a unit per expression, and one per 16 characters or
 * elements that an expression results in) and stops at a budget that grows with the input; no text may grow past a limit; `range` stops at
 * 100,000 as jinja2's sandbox does (MAX_RANGE). All of these count and none measures time, so the same input fails on every machine. What
 * is left open: one single string operation may build V8's longest string (512 MB) before it fails. A template sees plain data only and
 * can call nothing of this process; `strftime_now` gives a fixed date, so that equal inputs give equal bytes.
 *
 * What @huggingface/jinja 0.5 cannot do (the test `ne`, text times a number) fails the record; it prints nothing for none where Jinja prints
 * None. Both were found by comparing with transformers (test/tokens/chat-template.test.ts); no template in use that we know prints none.
 */
import * as library from '@huggingface/jinja';

/** The library's declarations do not resolve under this project's module settings; this is what is used of them. */
interface Jinja {
  Environment: new () => { set(name: string, value: unknown): unknown };
  Interpreter: new (
    env: unknown,
  ) => {
    run(program: unknown): { value: unknown };
    evaluate(statement: unknown, env: unknown): { value: unknown };
  };
  Template: new (text: string) => { parsed: unknown };
}
const { Environment, Interpreter, Template } = library as unknown as Jinja;

/** Units of work that a run may cost: so many, and so many more for each character of its input. */
const workBase = 1_000_000;
const workPerCharacter = 64;
/** Longest text that a template may make: so much, and so many times its input. */
const slackCharacters = 1_000_000;
const growth = 8;
const longestRange = 100_000;

/** A parsed template. The constructor throws the parser's error, or a `RangeError` for a date that is none (form 2025-01-31). */
export class BoundedTemplate {
  private readonly program: unknown;
  private readonly date: readonly [number, number, number];

  constructor(text: string, date: string) {
    this.date = dateOf(date);
    this.program = new Template(text).parsed;
  }

  /**
   * The text, or an error: `OverBudget`, or what the template raised. `characters` is the length of the input that `variables` hold.
   */
  render(variables: Record<string, unknown>, characters: number): string {
    const env = new Environment();
    const globals: Record<string, unknown> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      raise_exception: (message: unknown) => {
        throw new Error(String(message));
      },
      range: (...args: unknown[]) => boundedRange(args),
      strftime_now: (format: unknown) => strftime(this.date, String(format)),
      ...variables,
    };
    for (const [name, value] of Object.entries(globals)) env.set(name, value);
    const budget = {
      work: workBase + workPerCharacter * characters,
      longest: slackCharacters + growth * characters,
    };
    return String(new CountingInterpreter(env, budget).run(this.program).value);
  }
}

/** A template that does or writes more than its budget. */
export class OverBudget extends Error {}

/** jinja's interpreter with every evaluation counted. */
class CountingInterpreter extends Interpreter {
  private readonly budget: { work: number; longest: number };
  /** What the loops of the template run over. */
  private readonly iterables = new WeakSet<object>();

  constructor(env: unknown, budget: { work: number; longest: number }) {
    super(env);
    this.budget = budget;
  }

  override evaluate(statement: unknown, env: unknown): { value: unknown } {
    this.spend(1);
    const node = statement as { type?: string; iterable?: { lhs?: object } } | undefined;
    if (node?.type === 'For') this.iterables.add(node.iterable!.lhs ?? node.iterable!);
    const result = super.evaluate(statement, env);
    const { value } = result;
    // Python's spelling; the library prints JavaScript's.
    if (typeof value === 'boolean') result.toString = () => (value ? 'True' : 'False');
    if (typeof value === 'string' || Array.isArray(value)) {
      if (value.length > this.budget.longest)
        throw new OverBudget('the template makes a text that is too long');
      // A loop costs its length even if its body is empty.
      this.spend(this.iterables.has(node as object) ? 10 * value.length : value.length >>> 4);
    }
    return result;
  }

  private spend(work: number): void {
    this.budget.work -= work;
    if (this.budget.work < 0) throw new OverBudget('the template does more work than one record may cost');
  }
}

function boundedRange(args: unknown[]): number[] {
  const numbers = args.filter((value) => typeof value === 'number');
  const [start, stop, step = 1] =
    numbers.length === 1 ? [0, numbers[0]!] : (numbers as [number, number, number?]);
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= longestRange)) throw new OverBudget(`range() of more than ${longestRange} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

function dateOf(text: string): readonly [number, number, number] {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not a date of the form 2025-01-31`);
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}

const months = 'January February March April May June July August September October November December'.split(
  ' ',
);
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** C's strftime for a date at midnight, in English whatever the locale. */
function strftime([year, month, day]: readonly [number, number, number], format: string): string {
  const pad = (n: number): string => String(n).padStart(2, '0');
  const weekday = weekdays[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]!;
  const name = months[month - 1] ?? '';
  const fields: Record<string, string> = {
    Y: String(year),
    y: pad(year % 100),
    m: pad(month),
    d: pad(day),
    B: name,
    b: name.slice(0, 3),
    A: weekday,
    a: weekday.slice(0, 3),
    H: '00',
    I: '12',
    M: '00',
    S: '00',
    p: 'AM',
    '%': '%',
  };
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => fields[letter] ?? whole);
}
