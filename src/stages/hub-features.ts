/** The columns of a Parquet file as `features` of a Hub card: names and types of the `datasets` library, for what it knows. */
import type { DataType, Field } from 'apache-arrow';
import type { HubFeature } from '../report/filter-card.ts';
import { readBack } from './read-back.ts';

/** Features of the first batch of the file; undefined where it holds no row. */
export async function hubFeatures(path: string): Promise<HubFeature[] | undefined> {
  const broken = (file: string, group: number, problem: string): Error =>
    new Error(`${file}: row group ${group}: ${problem}`);
  for await (const { records } of readBack(path, broken)) return records.schema.fields.map(featureOf);
  return undefined;
}

function featureOf(field: Field): HubFeature {
  return { name: field.name, ...typeOf(field.type) };
}

const plainTypes: Record<string, string> = {
  Utf8: 'string',
  LargeUtf8: 'large_string',
  Bool: 'bool',
  Float16: 'float16',
  Float32: 'float32',
  Float64: 'float64',
  Binary: 'binary',
  LargeBinary: 'large_binary',
  Null: 'null',
};

function typeOf(type: DataType): Omit<HubFeature, 'name'> {
  const name = String(type);
  const [child] = type.children ?? [];
  if (/^(Large)?List|^FixedSizeList/.test(name) && child !== undefined) {
    const inner = typeOf((child as Field).type);
    return { list: 'dtype' in inner ? inner.dtype : (inner.struct ?? [inner]) };
  }
  if (name.startsWith('Struct')) return { struct: (type.children as Field[]).map(featureOf) };
  if (name.startsWith('Dictionary')) return { dtype: 'string' };
  return {
    dtype:
      plainTypes[name] ??
      (/^U?[Ii]nt\d+$/.test(name) ? name.toLowerCase() : name.toLowerCase().replace(/<.*$/, '')),
  };
}
