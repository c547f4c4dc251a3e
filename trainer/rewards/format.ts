/**
 * Rewards for the shape of a completion, in time linear in its length: think_format_reward is TRL's, the others open-r1's (rewards.py).
 * Written as searches instead of the regular expressions their sources use, which backtrack on hostile text; the cases they accept are the same.
 */
import { z } from 'zod';
import type { RewardPart } from './reward.ts';

const part = (name: string, value: (completion: string) => number): RewardPart => ({
  name,
  score: (batch) => ({ values: batch.map((input) => value(input.completion)) }),
});

/** 1 when the completion begins with `<think>`, closes it, and opens no other thought. */
export const thinkFormatReward = part('think_format_reward', (text) =>
  text.startsWith('<think>') && text.includes('</think>', 7) && !text.includes('<think>', 7) ? 1 : 0,
);

/** Index behind `mark` when it occurs from `from` on, else -1. */
function behind(text: string, mark: string, from: number): number {
  const at = from < 0 ? -1 : text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** Where `<think>\n..\n</think>\n<answer>\n` ends at the start of a completion, or -1. */
function answerStart(text: string): number {
  return text.startsWith('<think>\n') ? behind(text, '\n</think>\n<answer>\n', 8) : -1;
}

/** The answer's lines end with `</answer>` at the end of a line. */
const closes = (text: string, from: number): boolean =>
  from >= 0 &&
  (text.indexOf('\n</answer>\n', from) >= 0 || (text.endsWith('\n</answer>') && text.length - 10 >= from));

/** 1 for `<think>`, lines, `</think>`, `<answer>`, lines, `</answer>`, each tag on a line of its own. */
export const formatReward = part('format_reward', (text) => (closes(text, answerStart(text)) ? 1 : 0));

/** A quarter for each of the four tags that stands exactly once where its line should be. */
export const tagCountReward = part('tag_count_reward', (text) => {
  const once = (tag: string): number => {
    const at = text.indexOf(tag);
    return at >= 0 && text.indexOf(tag, at + tag.length) < 0 ? 0.25 : 0;
  };
  return once('<think>\n') + once('\n</think>\n') + once('\n<answer>\n') + once('\n</answer>');
});

const step = /Step \d{1,9}:|^\d{1,9}\.|\n-|\n\*|First,|Second,|Next,|Finally,/gm;

/** Up to 1 for three marked steps of reasoning: `Step 1:`, `1.` at the start of a line, bullets, First, Second, Next, Finally. */
export const reasoningStepsReward = part('reasoning_steps_reward', (text) => {
  let steps = 0;
  for (step.lastIndex = 0; steps < 3 && step.exec(text) !== null; ) steps++;
  return Math.min(1, steps / 3);
});

export const codeFormatOptions = z.strictObject({ language: z.string().min(1).default('python') });

/** 1 for the format of format_reward with a fenced block of the language in the answer. */
export function codeFormatReward(options: z.input<typeof codeFormatOptions> = {}): RewardPart {
  const { language } = codeFormatOptions.parse(options);
  return part('code_format_reward', (text) => {
    const open = behind(text, `\`\`\`${language}`, answerStart(text));
    return closes(text, behind(text, '```', open)) ? 1 : 0;
  });
}
