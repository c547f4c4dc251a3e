"""Writes test/fixtures/arrow: small files as pyarrow and Hugging Face datasets write them, for test/io/read-arrow.test.ts.

Usage: python test/oracles/arrow_files.py   (pyarrow 26.0.1, datasets 5.2.0)
"""
import json
import pathlib
import shutil

import datasets
import pyarrow as pa
import pyarrow.ipc as ipc

folder = pathlib.Path(__file__).parent.parent / "fixtures" / "arrow"
folder.mkdir(parents=True, exist_ok=True)

rows = 200
table = pa.table({
    "id": [f"doc-{i}" for i in range(rows)],
    "text": pa.array([None if i % 17 == 0 else f"Théorème {i}. " * (i % 9) for i in range(rows)], pa.large_string()),
    "view": pa.array([None if i % 5 == 0 else "x" * (i % 30) for i in range(rows)], pa.string_view()),
    "label": pa.array(["algebra", "geometry", None, "analysis"] * (rows // 4)).dictionary_encode(),
    "n": pa.array([i * 2**40 for i in range(rows)], pa.int64()),
    "topics": pa.array([[f"t{j}" for j in range(i % 4)] for i in range(rows)], pa.large_list(pa.string())),
})
for codec in ("lz4", "zstd", None):
    options = ipc.IpcWriteOptions(compression=codec)
    name = codec or "plain"
    with ipc.new_file(folder / f"{name}.arrow", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=64)
    with ipc.new_stream(folder / f"{name}.arrows", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=64)
(folder / "expected.json").write_text(json.dumps([{**row, "n": str(row["n"])} for row in table.to_pylist()]) + "\n")

union = pa.table({
    "dense": pa.UnionArray.from_dense(
        pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32()), [pa.array([1, 2]), pa.array(["a", "b"])]),
    "sparse": pa.UnionArray.from_sparse(pa.array([1, 0, 1, 0], pa.int8()), [pa.array([1, 2, 3, 4]), pa.array(["a", "b", "c", "d"])]),
})
with ipc.new_file(folder / "union.arrow", union.schema) as writer:
    writer.write_table(union)

shutil.rmtree(folder / "saved", ignore_errors=True)
saved = datasets.DatasetDict({
    split: datasets.Dataset.from_dict({"text": [f"{split} {i}" for i in range(n)], "score": [i / 2 for i in range(n)]})
    for split, n in (("train", 25), ("test", 5))
})
saved.save_to_disk(folder / "saved", num_shards={"train": 2, "test": 1})
