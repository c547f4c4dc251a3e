/**
 * The built-in pipelines by name, each with the line that its file (src/filters/pipelines/*.yaml and staged/*.yaml) says of itself. Read without the YAML
 * parser and without the schema, so that `midtrain filter --help` stays instant.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../io/package-root.ts';

export interface BuiltInPipeline {
  name: string;
  /** Of the form of one pass where there is one. */
  description: string;
  /** Whether it has a form with steps (`staged/`), which asks a language model; where both are there, a flag such as --endpoint chooses it. */
  steps: boolean;
}

/** Sorted by name. */
export function listPipelines(): BuiltInPipeline[] {
  const folder = join(packageRoot(), 'src', 'filters', 'pipelines');
  const staged = join(folder, 'staged');
  const namesIn = (place: string): string[] =>
    readdirSync(place)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length));
  const [plain, withSteps] = [namesIn(folder), namesIn(staged)];
  return [...new Set([...plain, ...withSteps])].sort().map((name) => {
    const steps = withSteps.includes(name);
    const own = plain.includes(name) ? descriptionIn(folder, name) : undefined;
    const more = steps ? descriptionIn(staged, name) : undefined;
    if (own === undefined) return { name, description: more!, steps };
    if (more === undefined) return { name, description: own, steps };
    return {
      name,
      description: `${own}. With --endpoint: ${more.replace(/ \(needs --endpoint\)$/, '')}`,
      steps,
    };
  });
}

function descriptionIn(folder: string, name: string): string {
  const text = readFileSync(join(folder, `${name}.yaml`), 'utf8');
  return /^description: (.*)$/m.exec(text)?.[1]?.trim() ?? '';
}

/** One line each, names in a column, descriptions broken at `width`. */
export function pipelineLines(pipelines: readonly BuiltInPipeline[], width = 80): string[] {
  const indent = Math.max(...pipelines.map(({ name }) => name.length)) + 4;
  return pipelines.flatMap(({ name, description }) => {
    const lines = [''];
    for (const word of description.split(' ')) {
      const last = lines.at(-1)!;
      if (last !== '' && indent + last.length + 1 + word.length > width) lines.push(word);
      else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return lines.map((line, i) => `  ${(i === 0 ? name : '').padEnd(indent - 2)}${line}`);
  });
}
