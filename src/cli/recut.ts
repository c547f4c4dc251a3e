/** `midtrain recut`: other thresholds over the stored signals of a filter run, and what they would change; with --write the result. */
import { resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import type { BoundChange, RecutRequest } from '../stages/recut-rules.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { integerValue, numberValue } from './parse.ts';

export const command: Command = {
  name: 'recut',
  summary: 'other thresholds over the stored signals of a run, and what they change',
  description:
    'Decides anew on every document of a filter run from its stored signals, without reading a text, and prints documents and tokens ' +
    'gained and lost by rule, what each changed bound does alone, and examples. The kept copy of each duplicate cluster is chosen ' +
    'again among the survivors. Nothing is written without --write; with it, texts come from kept/ and dropped/ of the run or are read ' +
    'again from its inputs. Documents whose signal sits behind a gate and was never measured are counted as unscored.',
  arguments: [{ name: 'run', description: 'folder of a filter run', required: true }],
  options: [
    {
      flags: '--set <bound=value>',
      description:
        'a bound, by signal and side (math.score.min=0.4) or by reason (gopher_short_doc=30); null takes it away; may be repeated',
      parse: boundValue,
    },
    {
      flags: '--use <sets>',
      description: 'built-in threshold sets, comma-separated, instead of the rules of the run',
    },
    {
      flags: '--thresholds <file>',
      description: 'a YAML file with the keys use and set, instead of the rules of the run',
    },
    {
      flags: '--pipeline <pipeline>',
      description: 'the thresholds of a pipeline file or a built-in pipeline instead',
    },
    {
      flags: '--examples <n>',
      description: 'documents shown per reason',
      default: 2,
      parse: integerValue({ min: 0, max: 1000 }),
    },
    { flags: '--write <folder>', description: 'write the documents that are kept now to a new run folder' },
    { flags: '--dropped', description: 'with --write: also write the dropped documents, with the reason' },
    {
      flags: '--workers <n>',
      description: 'worker threads (default: one per core)',
      parse: integerValue({ min: 1, max: 1024 }),
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain recut runs/math --set math.score.min=0.4',
      what: 'what a stricter bound on mathematics would drop',
    },
    {
      command: 'midtrain recut runs/math --set gopher_short_doc=30 --set char_dup_ratio=null --examples 5',
      what: 'a bound by its reason, and one taken away',
    },
    { command: 'midtrain recut runs/web --use gopher-quality', what: 'one threshold set alone' },
    {
      command: 'midtrain recut runs/math --pipeline math-web --write runs/math-strict',
      what: 'the thresholds of a pipeline, written',
    },
  ],
  async run(context, [folderName], options) {
    const { refuseHub } = await import('./hub-config.ts');
    await refuseHub(
      folderName!,
      'recut reads the signals of a run folder, which are not pushed',
      'give the folder that midtrain filter wrote',
    );
    const folder = resolve(context.cwd, folderName!);
    const request = await requestOf(context, options, folder);
    if (options.dropped === true && options.write === undefined) {
      throw new UserError('--dropped says what to write, and --write is not given', {
        hint: 'add --write <folder>',
      });
    }
    const workers = options.workers as number | undefined;
    const { recut } = await import('../stages/recut.ts');
    const result = await recut(folder, request, {
      signal: context.signal,
      examples: options.examples as number,
      ...(workers === undefined ? {} : { workers }),
    });
    for (const text of result.report.warnings) context.emit({ kind: 'message', level: 'warn', text });
    const out = options.write === undefined ? undefined : resolve(context.cwd, options.write as string);
    const written =
      out === undefined ? undefined : await writeOut(context, result, out, options.dropped === true);
    if (context.json) {
      context.write(
        `${JSON.stringify({ ...result.report, ...(written === undefined ? {} : { written }) }, null, 2)}\n`,
      );
    } else {
      const { recutText } = await import('./recut-text.ts');
      context.write(recutText(result.report));
      context.write(
        written === undefined
          ? '\nnothing was written; --write <folder> writes the documents that would be kept now\n'
          : `\nwritten: ${written.documents} documents to ${written.folder} (kept/, ${written.files} ${written.files === 1 ? 'file' : 'files'}); ` +
              `read them with midtrain inspect ${written.folder}, or name the folder as data of a source in a mix recipe\n`,
      );
    }
    return exitCodes.done;
  },
};

async function writeOut(
  context: CommandContext,
  result: import('../stages/recut.ts').Recut,
  out: string,
  dropped: boolean,
): Promise<{ folder: string; documents: number; files: number }> {
  const { writeRecut } = await import('../jobs/write-recut.ts');
  return writeRecut(result, { out, dropped, emit: context.emit, signal: context.signal });
}

async function requestOf(
  context: CommandContext,
  options: Record<string, unknown>,
  folder: string,
): Promise<RecutRequest> {
  const given = ['use', 'thresholds', 'pipeline'].filter((name) => options[name] !== undefined);
  if (given.length > 1) {
    throw new UserError(`--${given[0]} and --${given[1]} both say which rules to take`, {
      hint: 'give one of them',
    });
  }
  const set = options.set as BoundChange[] | undefined;
  if (given.length === 0 && set === undefined) {
    throw new UserError('no thresholds are given', {
      hint: 'for example --set gopher.word_count.min=30, --use gopher-quality, or --thresholds file.yaml',
    });
  }
  const thresholds = await thresholdsOf(context, options, folder);
  return { ...(thresholds === undefined ? {} : { thresholds }), ...(set === undefined ? {} : { set }) };
}

async function thresholdsOf(
  context: CommandContext,
  options: Record<string, unknown>,
  folder: string,
): Promise<RecutRequest['thresholds']> {
  const { use, thresholds, pipeline } = options as Record<string, string | undefined>;
  if (use !== undefined) {
    const names = use.split(',').map((name) => name.trim());
    return { value: { use: names.filter((name) => name !== ''), set: {} }, file: '--use' };
  }
  if (thresholds !== undefined) {
    const [{ readYaml }, { thresholdsSchema }] = await Promise.all([
      import('./read-yaml.ts'),
      import('../filters/thresholds.ts'),
    ]);
    return { value: await readYaml(thresholdsSchema, thresholds, context.cwd), file: thresholds };
  }
  if (pipeline !== undefined) {
    const { loadPipeline } = await import('../stages/load-pipeline.ts');
    const { config, file } = loadPipeline(pipeline, context.cwd);
    const { readPlan } = await import('../jobs/job-folder.ts');
    const scored = readPlan(folder)?.filter.classifiers?.map(({ name }) => name) ?? [];
    const set = { ...config.thresholds.set };
    for (const { name, model } of config.classifiers) {
      if (model !== null || scored.includes(name)) continue;
      for (const signal of [`classifier.${name}`, `classifier.${name}.int_score`]) {
        if (!(signal in set)) continue;
        delete set[signal];
        const text = `the run has no scores of the classifier ${name}, so the bound of ${file} on ${signal} is left out`;
        context.emit({ kind: 'message', level: 'warn', text });
      }
    }
    return { value: { ...config.thresholds, set }, file };
  }
  return undefined;
}

/** `name=number` or `name=null`; each name once. */
function boundValue(text: string, flag: string, previous: unknown): BoundChange[] {
  const earlier = (previous as BoundChange[] | undefined) ?? [];
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new UserError(`${flag} ${text}: expected a bound and its value`, {
      hint: `for example ${flag} gopher.word_count.min=30 or ${flag} char_dup_ratio=null`,
    });
  }
  const name = text.slice(0, at);
  if (earlier.some((change) => change.name === name)) {
    throw new UserError(`${flag}: ${name} is set twice`, { hint: 'leave one of them out' });
  }
  const value = text.slice(at + 1);
  const bound = value === 'null' ? null : (numberValue()(value, `${flag} ${name}`, undefined) as number);
  return [...earlier, { name, bound }];
}
