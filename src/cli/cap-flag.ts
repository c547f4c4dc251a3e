/** `--cap`: the allowed response length of runs whose log does not say, `4096` or `name=8192` for runs whose name holds that text. */
import { UserError } from '../core/errors.ts';
import { amountValue } from './parse.ts';

export interface Cap {
  run?: string;
  tokens: number;
}

/** Repeatable. */
export function capValue(text: string, flag: string, previous: unknown): Cap[] {
  const at = text.lastIndexOf('=');
  const tokens = amountValue(at === -1 ? text : text.slice(at + 1), flag);
  if (tokens < 1) throw new UserError(`${flag}: ${text} allows no token`);
  return [
    ...((previous as Cap[] | undefined) ?? []),
    at === -1 ? { tokens } : { run: text.slice(0, at), tokens },
  ];
}

/** The last that fits a run counts, and a named one goes before. */
export function capOf(caps: readonly Cap[], name: string): number | undefined {
  return (
    caps.findLast(({ run }) => run !== undefined && name.includes(run))?.tokens ??
    caps.findLast(({ run }) => run === undefined)?.tokens
  );
}
