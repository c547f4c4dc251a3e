/**
 * `samples.md`: packed sequences of a mixture to look at, as a model will see them, drawn over the whole output by hash(seed, sequence
 * number). Which they are follows from the plan; their tokens are read again, so it does not matter who wrote the shards, and when.
 *
 * The texts are foreign: control characters are spelled out, code fences cannot be closed from inside, and long texts are shortened.
 */
import type { MixturePlan } from '../../mixtures/plan.ts';
import { hash32 } from '../core/random.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { SourceWindow, WindowPiece } from './source-windows.ts';

const shown = 20;
const piecesListed = 40;
const piecesShown = 6;
const headCharacters = 700;
const tailCharacters = 200;

export interface Sample extends SourceWindow {
  sequence: number;
  source: string;
}

/** Numbers of the sequences that are shown, ascending. */
export function drawSamples(seed: number, sequences: number): number[] {
  // In the order of their draws.
  const drawn: { draw: number; sequence: number }[] = [];
  for (let sequence = 0; sequence < sequences; sequence++) {
    const draw = hash32(`sample:${seed}:${sequence}`);
    if (drawn.length === shown && draw >= drawn.at(-1)!.draw) continue;
    const at = drawn.findIndex((sample) => sample.draw > draw);
    drawn.splice(at < 0 ? drawn.length : at, 0, { draw, sequence });
    drawn.length = Math.min(drawn.length, shown);
  }
  return drawn.map(({ sequence }) => sequence).sort((a, b) => a - b);
}

/** `samples` in their order. */
export function samplesMarkdown(samples: readonly Sample[], plan: MixturePlan, tokenizer: Tokenizer): string {
  return [
    `# Sequences of ${plan.name}`,
    '',
    `${samples.length} of ${plan.sequences} sequences, drawn by hash of seed ${plan.seed} and sequence number; each has ${plan.windowTokens} tokens. ` +
      'Sequence numbers count from 0 over all shards. `midtrain trace <folder> --sequence <number>` says more about any of them.',
    '',
    ...samples.flatMap((sample) => section(sample, tokenizer)),
  ].join('\n');
}

function section({ sequence, source, pieces, padding }: Sample, tokenizer: Tokenizer): string[] {
  const lines = [`## Sequence ${sequence}: ${source}`, ''];
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    if (i < piecesListed)
      lines.push(`${i + 1}. tokens ${at} to ${at + piece.tokens.length - 1}: ${origin(piece)}`);
    at += piece.tokens.length;
  }
  if (pieces.length > piecesListed)
    lines.push(`\n${pieces.length - piecesListed} more pieces are not listed.`);
  if (padding > 0) lines.push(`\n${padding} tokens of padding.`);
  lines.push('');
  for (const [i, { tokens }] of pieces.slice(0, piecesShown).entries()) {
    const text = shortened(escapeControls(tokenizer.decode(tokens)));
    const fence = '`'.repeat(Math.max(3, 1 + longestRun(text)));
    lines.push(`Piece ${i + 1}:`, '', `${fence}text`, text, fence, '');
  }
  if (pieces.length > piecesShown)
    lines.push(`The text of ${pieces.length - piecesShown} more pieces is not shown.`, '');
  return lines;
}

function origin({ id, url, offset, pass }: WindowPiece): string {
  const from = offset === 0 ? '' : `, from its token ${offset}`;
  const again = pass === 0 ? '' : `, pass ${pass + 1}`;
  return `document ${code(id)}${url === '' || url === id ? '' : `, ${code(url)}`}${from}${again}`;
}

function code(text: string): string {
  const line = escapeControls(text).replace(/\s+/g, ' ').replaceAll('`', "'");
  return `\`${line.length > 300 ? `${line.slice(0, 300)}...` : line}\``;
}

/** Control characters (newline and tab apart) and characters that change the order of text, spelled out. */
function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function shortened(text: string): string {
  const left = text.length - headCharacters - tailCharacters;
  // A cut may split a surrogate pair; the half is replaced.
  return left <= 40
    ? text
    : `${text.slice(0, headCharacters)}\n[... ${left} characters ...]\n${text.slice(-tailCharacters)}`.toWellFormed();
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
}
