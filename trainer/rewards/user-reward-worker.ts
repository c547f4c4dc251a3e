/**
 * The thread a user's reward module runs in: loads it, calls its function for each batch, and sends back what it gave, unchecked. It lives
 * apart from the run so that an endless loop can be stopped (user-reward.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';

export interface UserBatch {
  readonly id: number;
  readonly prompts: readonly string[];
  readonly completions: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}
export type UserAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'scores'; readonly id: number; readonly scores: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  /** Said by the owner: no answer in time. */
  | { readonly kind: 'late'; readonly message: string };

type UserFunction = (
  prompts: readonly string[],
  completions: readonly string[],
  rows: UserBatch['rows'],
) => unknown;

const port = parentPort!;
const send = (answer: UserAnswer): void => port.postMessage(answer);
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function load({ module, name }: { module: string; name: string }): Promise<UserFunction | string> {
  const exports = (await import(module)) as Readonly<Record<string, unknown>>;
  const found = exports[name];
  if (typeof found === 'function') return found as UserFunction;
  return `exports no function "${name}" (it exports ${Object.keys(exports).join(', ') || 'nothing'})`;
}

try {
  const score = await load(workerData as { module: string; name: string });
  if (typeof score === 'string') send({ kind: 'unusable', message: score });
  else {
    port.on('message', async ({ id, prompts, completions, rows }: UserBatch) => {
      try {
        const scores = await score(prompts, completions, rows);
        // Only what JSON and numbers can say crosses over; a list of odd things is described by its owner.
        send({ kind: 'scores', id, scores: Array.isArray(scores) ? scores.map(plain) : simple(scores) });
      } catch (error) {
        send({ kind: 'failed', id, message: textOf(error) });
      }
    });
    send({ kind: 'ready' });
  }
} catch (error) {
  send({ kind: 'unusable', message: textOf(error) });
}

/** An entry: a value, or an object of them (`{ score, acc, pred }`). */
function plain(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return simple(entry);
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [
      name,
      name === 'pred' && typeof value === 'string' ? value : simple(value),
    ]),
  );
}

function simple(value: unknown): unknown {
  return value === null || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : `${typeof value} ${describe(value)}`;
}

function describe(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return String(value).slice(0, 80);
  }
}
