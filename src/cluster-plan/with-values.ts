/** A description with other values in some places, as `--set nodes.gpu.count=16` asks for; values are read as YAML, and the schema judges the result. */
import { parse } from 'yaml';
import { UserError } from '../core/errors.ts';

/** `sets`: value by place, keys and list numbers joined by dots. The value that is handed in stays as it is. */
export function withValues(description: unknown, sets: Readonly<Record<string, string>>): unknown {
  const copy = structuredClone(description);
  for (const [place, text] of Object.entries(sets)) {
    const keys = place.split('.');
    let at = copy;
    for (const key of keys.slice(0, -1)) {
      const inner = holder(at, place)[key] ?? {};
      holder(at, place)[key] = inner;
      at = inner;
    }
    holder(at, place)[keys.at(-1)!] = parse(text);
  }
  return copy;
}

function holder(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new UserError(`--set ${place}: it leads into "${String(value)}", which has no keys`, {
    hint: 'for example --set nodes.gpu.count=16 or --set training.phases.0.tokens=100B',
  });
}
