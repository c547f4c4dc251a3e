/** A description with other values in some places, as `--set nodes.gpu.count=16` asks for; values are read as YAML, and the schema judges the result. */
import { parse } from 'yaml';
import { messageOf, UserError } from '../core/errors.ts';

/** `sets`: value by place, keys and list numbers joined by dots. The value that is handed in stays as it is. */
export function withValues(description: unknown, sets: Readonly<Record<string, string>>): unknown {
  const copy = structuredClone(description);
  for (const [place, text] of Object.entries(sets)) {
    const keys = place.split('.');
    let at = copy;
    for (const key of keys.slice(0, -1)) {
      const outer = holder(at, place, key);
      const inner = (Object.hasOwn(outer, key) ? outer[key] : undefined) ?? {};
      outer[key] = inner;
      at = inner;
    }
    const last = keys.at(-1)!;
    holder(at, place, last)[last] = yamlOf(text, place);
  }
  return copy;
}

function yamlOf(text: string, place: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new UserError(`--set ${place}=${text}: the value is not YAML: ${messageOf(cause).split('\n')[0]}`, {
      hint: 'put what should be text in quotes',
      cause,
    });
  }
}

/** What holds `key`. A list takes only the numbers that it has, or the next: any other key would be set beside its items, where nobody looks. */
function holder(value: unknown, place: string, key: string): Record<string, unknown> {
  if (Array.isArray(value) && !(/^\d+$/.test(key) && Number(key) <= value.length))
    throw new UserError(`--set ${place}: ${JSON.stringify(key)} is no place in a list of ${value.length}`, {
      hint: `give a number from 0 to ${value.length}, such as training.phases.0.tokens`,
    });
  if (key === '__proto__')
    throw new UserError(`--set ${place}: there is no key __proto__`, {
      hint: 'for example --set nodes.gpu.count=16',
    });
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new UserError(`--set ${place}: it leads into "${String(value)}", which has no keys`, {
    hint: 'for example --set nodes.gpu.count=16 or --set training.phases.0.tokens=100B',
  });
}
