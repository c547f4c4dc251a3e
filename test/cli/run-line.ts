/** Runs a command line in this process, in `folder`: exit code, what it printed, and what it warned of. */
import type { CommandContext } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/index.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';

export async function runLine(
  folder: string,
  line: string,
): Promise<{ code: number; out: string; warnings: string[] }> {
  const invocation = await parseCommandLine(line.split(' ').slice(1), commands, () => '');
  if (invocation.kind !== 'run') throw new Error(`${line} prints: ${invocation.text}`);
  let out = '';
  const warnings: string[] = [];
  const context: CommandContext = {
    cwd: folder,
    json: invocation.options.json === true,
    signal: new AbortController().signal,
    write: (text) => {
      out += text;
    },
    emit: (event) => {
      if (event.kind === 'message') warnings.push(event.text);
    },
  };
  const code = await invocation.command.run(context, invocation.args, invocation.options);
  return { code, out, warnings };
}
