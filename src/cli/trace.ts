/** `midtrain trace`: the page that a trained token came from. Maps flags to src/stages/trace-token.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';
import { integerValue } from './parse.ts';
import { writeResult } from './write-result.ts';

const count = integerValue({ min: 0 });

export const command: Command = {
  name: 'trace',
  summary: 'show the document that a token of a mixture came from',
  description:
    'Takes a shard (.ds) or the folder of a mixture, and which token: its position, counted from 0 in that shard or over all shards of the folder; or ' +
    '--sequence and --offset; or a step of training (from 1), a row of its batch (from 0) and the sequences in a batch. Shards of datatrove can be ' +
    'read too; they do not say where their tokens come from.',
  arguments: [
    { name: 'path', description: 'a .ds shard, or the folder of a mixture', required: true },
    { name: 'position', description: 'number of the token, from 0' },
  ],
  options: [
    { flags: '--sequence <n>', description: 'a sequence instead of a position, from 0', parse: count },
    { flags: '--offset <n>', description: 'token of that sequence, from 0 (default: 0)', parse: count },
    { flags: '--step <n>', description: 'a step of training, from 1', parse: integerValue({ min: 1 }) },
    { flags: '--row <n>', description: 'row of that step, from 0 (default: 0)', parse: count },
    {
      flags: '--batch <sequences>',
      description: 'sequences in a step: micro_batch_size x gradient_accumulation_steps',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--sequence-length <tokens>',
      description: 'what a model sees at once, where no manifest says it',
      parse: integerValue({ min: 1 }),
    },
    { flags: '--tokenizer <path>', description: "folder with tokenizer.json, where it is not the mixture's" },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain trace runs/demo-mix/shards/00000.ds 1000', what: 'token 1000 of a shard' },
    { command: 'midtrain trace runs/demo-mix --sequence 12 --offset 5', what: 'a token of a sequence' },
    {
      command: 'midtrain trace runs/demo-mix --step 100 --row 3 --batch 32',
      what: 'what the model saw in row 3 of step 100',
    },
  ],
  async run(context, args, options) {
    const { traceToken, countSequences } = await import('../stages/trace-token.ts');
    const { localPlace, modelFolder } = await import('./hub-config.ts');
    const path = await localPlace(context, args[0]!);
    const tokenizer = options.tokenizer as string | undefined;
    const sequenceLength = options.sequenceLength as number | undefined;
    const asked = placeOf(args[1], options);
    let epoch: number | undefined;
    if ('step' in asked) {
      const sequences = await countSequences(path, sequenceLength);
      const number = (asked.step - 1) * asked.batch + asked.row;
      epoch = Math.floor(number / sequences) + 1;
      asked.sequence = number % sequences;
    }
    const trace = await traceToken({
      path,
      ...(asked.position === undefined ? {} : { position: asked.position }),
      ...(asked.sequence === undefined ? {} : { sequence: asked.sequence }),
      ...(asked.offset === undefined ? {} : { offset: asked.offset }),
      ...(sequenceLength === undefined ? {} : { sequenceLength }),
      ...(tokenizer === undefined ? {} : { tokenizer: await modelFolder(context, tokenizer, 'tokenizer') }),
    });
    const { describeTrace } = await import('./describe-trace.ts');
    writeResult(
      context,
      { ...trace, ...(epoch === undefined ? {} : { epoch }) },
      describeTrace(trace, epoch),
    );
    return exitCodes.done;
  },
};

interface Asked {
  position?: number;
  sequence?: number;
  offset?: number;
}

/** Exactly one of the three ways to name a token. */
function placeOf(
  position: string | undefined,
  options: Record<string, unknown>,
): Asked | (Asked & { step: number; row: number; batch: number }) {
  const number = (name: string) => options[name] as number | undefined;
  const ways = [position, number('sequence'), number('step')].filter((way) => way !== undefined).length;
  if (ways !== 1) {
    throw new UserError(ways === 0 ? 'which token is not said' : 'a token is named in more than one way', {
      hint: 'give a position (midtrain trace mix 1000), or --sequence [--offset], or --step --batch [--row]',
    });
  }
  const offset = number('offset');
  const inSequence = offset === undefined ? {} : { offset };
  if (position !== undefined) {
    if (offset !== undefined)
      throw new UserError('--offset goes with --sequence or --step, not with a position');
    return { position: count(position, 'position', undefined) as number };
  }
  const sequence = number('sequence');
  const step = number('step');
  if (step === undefined) {
    for (const flag of ['row', 'batch'])
      if (number(flag) !== undefined) throw new UserError(`--${flag} goes with --step, not with --sequence`);
    return { ...(sequence === undefined ? {} : { sequence }), ...inSequence };
  }
  const batch = number('batch');
  const row = number('row') ?? 0;
  if (batch === undefined)
    throw new UserError('--step needs --batch, the number of sequences in a step', {
      hint: 'it is micro_batch_size x gradient_accumulation_steps of the training config',
    });
  if (row >= batch) throw new UserError(`--row ${row}: a step has ${batch} rows, numbered from 0`);
  return { step, row, batch, ...inSequence };
}
