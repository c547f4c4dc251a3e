/** The result of a command on standard output: one JSON document with `--json`, else text for people. */
import type { CommandContext } from './command.ts';

export function writeResult(context: CommandContext, value: unknown, text: string): void {
  context.write(context.json ? `${JSON.stringify(value, null, 2)}\n` : text);
}

/** Text of lines without their ends. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** A share as people read it, such as `38.3 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
