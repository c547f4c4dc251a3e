/**
 * What a refiner is asked. `megamath-web-pro` has three instructions, `megamath-web-pro-max` a fourth about multiple-choice questions. The
 * instructions are those of the two data sets' prompts, in our words. A prompt of one's own is a file.
 * Sources: MegaMath paper, figure 9; OctoThinker paper, figure 16; as in recipe.md section 3.
 */

export interface RefinePrompt {
  name: string;
  /** `{text}` stands for the document; without it the document comes last. */
  prompt: string;
}

const instructions = [
  'Take out what matters: key facts, details, numbers, definitions, formulas and concepts.',
  'Leave out text that is irrelevant or noise, such as navigation, advertisements and repeated fragments, and put the rest into a clear order: structured, concise and dense in information. Formulas and code stay correct and in the notation they have.',
  'Keep the length of the original as far as that is possible; do not summarise, and add nothing that the text does not say.',
  'Where there are multiple-choice questions or answers, refine them too: complete, with their options and, if the text has it, the right answer.',
] as const;

function promptOf(count: number): string {
  const list = instructions.slice(0, count).map((line, i) => `${i + 1}. ${line}`);
  return `You turn the text of a web page into a refined version for training a language model in mathematics.

${list.join('\n')}

The text:

{text}

Output the refined text and nothing else: no introduction, no remarks about what you did.`;
}

const builtIn: readonly RefinePrompt[] = [
  { name: 'megamath-web-pro', prompt: promptOf(3) },
  { name: 'megamath-web-pro-max', prompt: promptOf(4) },
];

export const refinePromptNames: readonly string[] = builtIn.map(({ name }) => name);

/** A built-in prompt; undefined for another name. */
export function builtInRefinePrompt(name: string): RefinePrompt | undefined {
  return builtIn.find((prompt) => prompt.name === name);
}
