/**
 * The whole MegaMath-Web-Pro-Max recipe over the real pages of ../shared/data with a fake language model on loopback: once to its end, then
 * killed with SIGKILL in every step and resumed. Says whether any document was paid for twice, whether the result is the same byte for
 * byte, and prints the ledger. Some minutes on two cores.
 *
 *   node test/real/pro-max-kill.ts [folder]
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../src/io/package-root.ts';
import { FakeLanguageModel } from '../jobs/fake-language-model.ts';
import { hashesOf, type KillPlace, runAndKill, runSteps } from '../jobs/kill-steps.ts';
import type { StepsProcess } from '../jobs/run-steps.ts';

const data = join(packageRoot(), '..', 'shared', 'data');
if (!existsSync(join(data, 'html-math'))) {
  process.stdout.write(`skipped: ${data} is not there\n`);
  process.exit(0);
}
const given = process.argv[2];
const out = given === undefined ? mkdtempSync(join(tmpdir(), 'midtrain-pro-max-')) : resolve(given);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const jobOf = (name: string, model: FakeLanguageModel): StepsProcess => ({
  pipeline: 'megamath-web-pro-max',
  inputs: ['html-math', 'html-math-plain', 'html-other', 'web-text'].map((folder) => join(data, folder)),
  out: join(out, name),
  endpoint: model.url,
  // Five hundred labels are few: with three epochs the classifier would say yes to everything.
  changes: {
    'sample.count': '400',
    'math.epoch': '40',
    'math.lr': '0.3',
    'math.bucket': '20000',
    'math.dim': '32',
  },
});

const places: KillPlace[] = [
  { file: 'web/plan.json' },
  { file: 'web/dedup/minhash' },
  { file: 'sample/sample.parquet' },
  { task: 'label', answers: 30 },
  { task: 'label', answers: 200 },
  { file: 'math/model/training.json' },
  { file: 'recall/plan.json' },
  { task: 'refine', answers: 25 },
  { task: 'refine', answers: 150 },
];

const first = await FakeLanguageModel.start();
const whole = await runSteps(jobOf('whole', first));
const { ledger, paid } = whole;
say(
  `uninterrupted: ${ledger.in} documents in, ${ledger.kept} out; dropped ${JSON.stringify(ledger.dropped)}, failed ${JSON.stringify(ledger.failed)}`,
);
say(
  `  ${paid.requests} requests paid, ${first.requests} received, ${first.paidTwice.length} documents twice`,
);
await first.close();

const second = await FakeLanguageModel.start();
for (const place of places) {
  const killed = await runAndKill(jobOf('killed', second), second, place);
  say(
    `killed at ${JSON.stringify(place)}: ${killed ? 'yes' : 'the run ended before'}; answered so far ${JSON.stringify(second.byTask)}`,
  );
}
const resumed = await runSteps(jobOf('killed', second));
const sameLedger = JSON.stringify(resumed.ledger) === JSON.stringify(ledger);
const [before, after] = [hashesOf(join(out, 'whole', 'kept')), hashesOf(join(out, 'killed', 'kept'))];
const sameBytes = JSON.stringify(before) === JSON.stringify(after);
const answered = second.byTask.label + second.byTask.refine;
say(
  `resumed: ${resumed.ledger.kept} out, ledger ${sameLedger ? 'the same' : 'DIFFERENT'}, ${Object.keys(after).length} files ${sameBytes ? 'the same byte for byte' : 'DIFFERENT'}`,
);
say(
  `  ${answered} requests answered in full (uninterrupted: ${paid.requests}), documents paid twice: ${second.paidTwice.length}`,
);
await second.close();
if (given === undefined) rmSync(out, { recursive: true });
process.exit(sameLedger && sameBytes && second.paidTwice.length === 0 && answered === paid.requests ? 0 : 1);
