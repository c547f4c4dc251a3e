/** The text of a YAML file that people write, held to a schema. */
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { parseConfig } from './config.ts';
import { InputError } from './errors.ts';

/** Throws an `InputError` for what is not YAML, and what `parseConfig` throws for what is not of the schema. `file` is for messages. */
export function parseYaml<S extends z.ZodType>(schema: S, text: string, file: string): z.output<S> {
  const document = parseDocument(text);
  const error = document.errors[0];
  if (error !== undefined) {
    throw new InputError(file, `is not YAML: ${error.message.split('\n')[0]}`, {
      hint: 'mend this line and run again',
    });
  }
  return parseConfig(schema, document.toJS(), file);
}
