/**
 * Errors that people read, apart from those that only we can fix.
 *
 * `UserError` says what is wrong, where, with which value, and the cure. `InputError` is a `UserError` about one input
 * file, which a job counts and steps over. `invariant` is for what cannot happen; it ends with exit code 70.
 */

/** Process exit codes, the same for every command. */
export const exitCodes = {
  done: 0,
  userError: 1,
  someInputsFailed: 2,
  bug: 70,
  interrupted: 130,
} as const;

/** Something the user can mend. `message` names the file, place and value; `hint` the cure. */
export class UserError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.hint = options.hint;
  }
}

/** One input that cannot be read: `file`, `place` in it (row group, line, byte), and what was found there. */
export class InputError extends UserError {
  readonly file: string;
  readonly place: string | undefined;
  readonly problem: string;
  constructor(
    file: string,
    problem: string,
    options: { place?: string; hint?: string; cause?: unknown } = {},
  ) {
    super(`${file}${options.place === undefined ? '' : ` (${options.place})`}: ${problem}`, options);
    this.name = 'InputError';
    this.file = file;
    this.place = options.place;
    this.problem = problem;
  }
}

/** The run was stopped on purpose (Ctrl-C); what was finished is on disk and a rerun goes on from there. */
export class InterruptedError extends Error {
  constructor(message = 'interrupted') {
    super(message);
    this.name = 'InterruptedError';
  }
}

/** Throws unless `condition` holds. For our own mistakes only; users never cause it. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
