/**
 * The commands of `midtrain`, in the order data flows. Only names and summaries are here; a command's file is loaded when it
 * is asked for, so `midtrain --help` loads none of them.
 */
import type { CommandEntry } from './command.ts';

export const commands: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'the whole way on a small real corpus, in minutes and without a GPU',
    load: () => import('./demo.ts'),
  },
  {
    name: 'filter',
    summary: 'extract, measure, filter and deduplicate pages; resumable',
    load: () => import('./filter.ts'),
  },
  {
    name: 'jobs',
    summary: 'where a job stands, its logs and end on Slurm, another try for what failed',
    load: () => import('./jobs.ts'),
  },
  {
    name: 'recut',
    summary: 'other thresholds over the stored signals of a run, and what they change',
    load: () => import('./recut.ts'),
  },
  {
    name: 'inspect',
    summary: 'read kept and dropped documents of a run with signals and reasons',
    load: () => import('./inspect.ts'),
  },
  {
    name: 'classify',
    summary: 'sample, label, train, evaluate and score: quality classifiers of your own',
    load: () => import('./classify.ts'),
  },
  {
    name: 'design',
    summary: 'design a mixture on the terminal: shares, tokens, passes, steps, time and disk',
    load: () => import('./design.ts'),
  },
  {
    name: 'mix',
    summary: 'mix data sources at exact token ratios into token shards',
    load: () => import('./mix.ts'),
  },
  {
    name: 'trace',
    summary: 'show the document that a token of a mixture came from',
    load: () => import('./trace.ts'),
  },
  {
    name: 'train',
    summary: 'train a model through the stable or the decay phase on WebGPU',
    load: () => import('./train.ts'),
  },
  {
    name: 'grpo',
    summary: 'run GRPO on a checkpoint with a verifiable reward',
    load: () => import('./grpo.ts'),
  },
  {
    name: 'diagnose',
    summary: 'failure signatures of recorded RL runs: ours, TRL, verl or wandb CSV',
    load: () => import('./diagnose.ts'),
  },
  {
    name: 'eval',
    summary: 'accuracy, pass@k and maj@k of models on benchmarks and own problems',
    load: () => import('./eval.ts'),
  },
  {
    name: 'generate',
    summary: 'continue a text with a model',
    load: () => import('./generate.ts'),
  },
  {
    name: 'pull',
    summary: 'fetch a data set or model of the Hub into the cache, resumable and checked',
    load: () => import('./pull.ts'),
  },
  {
    name: 'push',
    summary: 'push a corpus, mixture, checkpoint or classifier with its card to the Hub',
    load: () => import('./push.ts'),
  },
  {
    name: 'export',
    summary: 'write what Nanotron (training) and verl (RL) read, from the same configs',
    load: () => import('./export.ts'),
  },
  {
    name: 'plan',
    summary: 'bytes, hours and cost on a cluster from rates measured on this machine',
    load: () => import('./plan.ts'),
  },
  {
    name: 'serve',
    summary: 'answer OpenAI-compatible requests with a model',
    load: () => import('./serve.ts'),
  },
  {
    name: 'report',
    summary: 'one self-contained HTML page (and Markdown) of a run or several',
    load: () => import('./report.ts'),
  },
  {
    name: 'ablate',
    summary: 'run the arms of an experiment over seeds, each shared step once, and report',
    load: () => import('./ablate.ts'),
  },
  {
    name: 'card',
    summary: 'write a Hugging Face card for a corpus, mixture, model, tokenizer or classifier',
    load: () => import('./card.ts'),
  },
  {
    name: 'tokenizer',
    summary: 'train a vocabulary of your own',
    load: () => import('./tokenizer.ts'),
  },
  {
    name: 'convert',
    summary: 'foreign weights to a Hugging Face folder, and such a folder to other numbers',
    load: () => import('./convert.ts'),
  },
  {
    name: 'devices',
    summary: 'show the GPU, or the software adapter, that training would use, and its speed',
    load: () => import('./devices.ts'),
  },
  {
    name: 'setup',
    summary: 'install what is missing and make sure that a WebGPU adapter exists',
    load: () => import('./setup.ts'),
  },
];
