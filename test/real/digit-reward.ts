/**
 * The reward of verl's digit completion (tests/special_e2e/envs/digit_completion/task.py), as a module for `reward_funcs`: the share of the right
 * response that a completion begins with, character by character until the first mistake. Unlike verl's, the end counts as one more character
 * (theirs divides by it and never gives it), so a whole right response that ends there earns 1.
 */

/** `rows` hold the problem's columns, `expected` and `truncated` among them. */
export default function digitReward(
  _prompts: readonly string[],
  completions: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): number[] {
  return completions.map((completion, i) => {
    const expected = String(rows[i]!.expected);
    let right = 0;
    while (right < expected.length && completion[right] === expected[right]) right++;
    const ended = right === expected.length && completion.length === right && rows[i]!.truncated !== true;
    return (right + (ended ? 1 : 0)) / (expected.length + 1);
  });
}

/** `8,3:9,4` -> `7,2,6,1`: four more numbers of the sequence 8, 3, ... in arithmetic modulo 9. */
export function completeDigits(prompt: string): string {
  const [numbers, info] = prompt.split(':') as [string, string];
  const [first, second] = numbers.split(',').map(Number) as [number, number];
  const [modulus, count] = info.split(',').map(Number) as [number, number];
  const difference = (((second - first) % modulus) + modulus) % modulus;
  const out: number[] = [];
  let last = second;
  for (let i = 0; i < count; i++) out.push((last = (last + difference) % modulus));
  return out.join(',');
}
