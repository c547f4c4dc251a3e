/** A labelling or refining job in a process of its own, to be killed: `node run-chat-job.ts <job as JSON>`. */
import { builtInRefinePrompt } from '../../classifiers/judge/refine-prompt.ts';
import { builtInRubric } from '../../classifiers/judge/rubric.ts';
import { silent } from '../../src/core/events.ts';
import { labelFiles } from '../../src/stages/judge-label.ts';
import { refineFiles } from '../../src/stages/refine-files.ts';

export interface ChatJobProcess {
  task: 'label' | 'refine';
  url: string;
  input: string;
  out: string;
  concurrency: number;
}

export async function runChatJob({ task, url, input, out, concurrency }: ChatJobProcess): Promise<number> {
  const common = {
    inputs: [{ path: input }],
    out,
    endpoint: { url, model: 'm', concurrency, retrySeconds: 0.001, environment: {} },
    sampling: { maxTokens: 200, temperature: 0 },
    emit: silent,
  };
  const summary =
    task === 'label'
      ? await labelFiles({ ...common, rubric: builtInRubric('usefulness')! })
      : await refineFiles({
          ...common,
          prompt: builtInRefinePrompt('megamath-web-pro')!,
          maxCharacters: 300,
        });
  return Number(summary.possiblyPaidTwice);
}

if (import.meta.main) {
  await runChatJob(JSON.parse(process.argv[2]!) as ChatJobProcess);
}
