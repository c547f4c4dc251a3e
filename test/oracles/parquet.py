"""Checks our Parquet output against pyarrow and DuckDB: equal types, values and nulls.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install pyarrow duckdb
    node test/oracles/parquet-copies.ts /tmp/copies        # copies every readable sample file through our reader and writer
    /tmp/venv/bin/python test/oracles/parquet.py /tmp/copies

For every copy: pyarrow reads original and copy to the same values; DuckDB, where it can read both, too. Prints what differs and exits 1.
"""

import json
import math
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq



def value(cell):
    if isinstance(cell, float):
        return "nan" if math.isnan(cell) else cell.hex()
    if isinstance(cell, dict):
        return {k: value(v) for k, v in cell.items()}
    if isinstance(cell, (list, tuple)):
        return [value(v) for v in cell]
    if isinstance(cell, bytes):
        # Strings without annotation are binary for pyarrow on both sides.
        return cell.hex()
    return str(cell)


def kind(t: pa.DataType) -> str:
    """The type without names of list elements and without nullability, which copies may spell differently."""
    if pa.types.is_map(t):
        return f"map<{kind(t.key_type)},{kind(t.item_type)}>"
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return f"list<{kind(t.value_type)}>"
    if pa.types.is_struct(t):
        return "struct<" + ",".join(f"{f.name}:{kind(f.type)}" for f in t) + ">"
    return str(t).replace("large_", "")


def main(folder: str) -> int:
    bad = 0
    pairs = json.loads((Path(folder) / "pairs.json").read_text())
    for original, copy in pairs:
        name = Path(original).name
        ours = pq.read_table(copy)
        try:
            theirs = pq.read_table(original)
        except Exception as error:  # noqa: BLE001
            print(f"skip   {name}: pyarrow cannot read the original ({str(error)[:80]})")
            continue
        a = [(f.name, kind(f.type)) for f in theirs.schema]
        b = [(f.name, kind(f.type)) for f in ours.schema]
        if a != b:
            bad += 1
            print(f"TYPES  {name}\n    original {[x for x, y in zip(a, b) if x != y]}\n    copy     {[y for x, y in zip(a, b) if x != y]}")
        try:
            same = value(theirs.to_pylist()) == value(ours.to_pylist())
        except OverflowError:
            # Times beyond the years of Python's datetime: compare inside Arrow.
            same = theirs.equals(ours)
        if not same:
            bad += 1
            print(f"VALUES {name}")
            continue
        try:
            x = duckdb.sql(f"select * from read_parquet('{original}')").fetchall()
            y = duckdb.sql(f"select * from read_parquet('{copy}')").fetchall()
        except Exception as error:  # noqa: BLE001
            print(f"ok     {name} (pyarrow; DuckDB: {str(error)[:60]!r})")
            continue
        if value(x) != value(y):
            bad += 1
            print(f"DUCKDB {name}")
            continue
        print(f"ok     {name}: {ours.num_rows} rows, {ours.num_columns} columns")
    print(f"{bad} differences in {len(pairs)} files")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
