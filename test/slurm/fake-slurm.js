/**
 * What `sbatch`, `squeue`, `scancel` and `scontrol` do on the fake cluster: they keep a queue in a folder (FAKE_SLURM). Jobs run when the test
 * says so (fake-cluster.ts), not by the clock. Plain JavaScript without imports of this project, so that a call takes little time.
 *
 *   queue.json     { next, jobs: [{ id, name, script, env, after, tasks: [index or null] }] }
 *   trouble.json   [{ program, stderr, code, times, late }]: what the next calls answer; `late`: after they took effect
 *   calls.log      every call, with its arguments
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.FAKE_SLURM;
const [program, ...args] = process.argv.slice(2);
const read = (name, otherwise) =>
  existsSync(join(folder, name)) ? JSON.parse(readFileSync(join(folder, name), 'utf8')) : otherwise;
const write = (name, value) => {
  writeFileSync(join(folder, `${name}.new`), JSON.stringify(value));
  renameSync(join(folder, `${name}.new`), join(folder, name));
};
const fail = (stderr, code = 1) => {
  process.stderr.write(`${stderr}\n`);
  process.exit(code);
};
const flag = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

appendFileSync(join(folder, 'calls.log'), `${JSON.stringify([program, ...args])}\n`);
const troubles = read('trouble.json', []);
const trouble = troubles.find((one) => one.program === program && one.times > 0);
if (trouble !== undefined) {
  trouble.times--;
  write('trouble.json', troubles);
  if (trouble.late !== true) fail(trouble.stderr, trouble.code);
}
const queue = read('queue.json', { next: 1, jobs: [] });
if (program === 'sbatch') {
  const script = args.at(-1);
  const text = readFileSync(script, 'utf8');
  const batch = Object.fromEntries(
    [...text.matchAll(/^#SBATCH --([\w-]+)(?:=(.*))?$/gm)].map(([, name, value = '']) => [
      name,
      unquoted(value),
    ]),
  );
  const after = (flag('dependency') ?? 'afterany:').replace('afterany:', '').split(':').filter(Boolean);
  const tasks = batch.array === undefined ? [null] : indexesOf(batch.array.replace(/%.*/, ''));
  const most = read('config.json', {}).maxArraySize ?? 1001;
  if (tasks.some((index) => index >= most))
    fail('sbatch: error: Batch job submission failed: Invalid job array specification');
  const id = String(queue.next++);
  queue.jobs.push({
    id,
    name: batch['job-name'],
    script: text,
    options: batch,
    after,
    tasks,
    env: process.env,
  });
  write('queue.json', queue);
  if (trouble?.late === true) fail(trouble.stderr, trouble.code);
  process.stdout.write(`${id}\n`);
} else if (program === 'squeue') {
  const names = flag('name').split(',');
  for (const { id, name, tasks, running } of queue.jobs.filter((job) => names.includes(job.name)))
    for (const index of tasks)
      process.stdout.write(
        `${id}|${index === null ? id : `${id}_${index}`}|${name}|${running === index ? 'RUNNING' : 'PENDING'}|Priority\n`,
      );
} else if (program === 'scancel') {
  queue.jobs = queue.jobs.filter(({ id }) => !args.includes(id));
  write('queue.json', queue);
} else if (program === 'scontrol') {
  process.stdout.write(
    `Configuration data as of now\nAccountingStorageBackupHost = (null)\nMaxArraySize            = ${read('config.json', {}).maxArraySize ?? 1001}\nMaxJobCount             = 10000\n`,
  );
}

/** `"a b"` as sbatch reads it in an #SBATCH line. */
function unquoted(text) {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

function indexesOf(expression) {
  return expression.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
