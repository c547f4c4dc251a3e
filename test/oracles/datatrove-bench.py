"""Runs datatrove's steps on the documents of `npm run bench:filter` and says what they cost in CPU seconds of this process.

    python test/oracles/datatrove-bench.py <scratch folder> [language model]

The folder holds `slice-<n>.jsonl` (documents), `documents.parquet` and `pages.jsonl`, which the bench has written. Every line on standard
input is {"row": "cascade", "slice": 0}; the answer is {"seconds": ...} or {"error": ...}. Documents are made, and models loaded, before the
clock starts. test/bench/peer.ts says what must be installed.
"""

import json
import logging
import os
import shutil
import sys
import time

from datatrove.data import Document
from datatrove.utils.logging import logger

logger.remove()
logging.disable(logging.CRITICAL)
scratch = sys.argv[1]
language_model = sys.argv[2] if len(sys.argv) > 2 else None


def read(name):
    with open(os.path.join(scratch, name), encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def documents(part):
    return [Document(text=text, id=str(i)) for i, text in enumerate(read(f"slice-{part}.jsonl"))]


def filters():
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    return [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]


class Cascade:
    """Every filter on every document, each on the text as it came (C4 changes it), and the PII formatter."""

    def __init__(self):
        from datatrove.pipeline.formatters import PIIFormatter

        self.filters = filters()
        self.pii = PIIFormatter()

    def prepare(self, part):
        return documents(part)

    def run(self, docs):
        for doc in docs:
            text = doc.text
            for one in self.filters:
                doc.text = text
                one.filter(doc)
            self.pii.format(text)


class CascadeWithStopping(Cascade):
    """As a pipeline runs: a document that is dropped goes no further."""

    def run(self, docs):
        for doc in docs:
            for one in self.filters:
                result = one.filter(doc)
                if result is False or (isinstance(result, tuple) and not result[0]):
                    break
            else:
                self.pii.format(doc.text)


class Minhash:
    """The signature step with FineWeb's 14 x 8 hashes, its files included."""

    def __init__(self):
        from datatrove.pipeline.dedup import MinhashDedupSignature
        from datatrove.pipeline.dedup.minhash import MinhashConfig
        from datatrove.utils.hashing import HashConfig

        self.folder = os.path.join(scratch, "signatures")
        config = MinhashConfig(
            n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(hash_fc="xxhash", precision=64)
        )
        self.step = MinhashDedupSignature(output_folder=self.folder, config=config)

    def prepare(self, part):
        shutil.rmtree(self.folder, ignore_errors=True)
        return documents(part)

    def run(self, docs):
        for _ in self.step.run(docs, 0, 1) or []:
            pass


class ParquetWrite:
    """All slices to one file."""

    def __init__(self, compression):
        self.compression = compression
        self.folder = os.path.join(scratch, "written-" + compression)

    def prepare(self, part):
        from datatrove.pipeline.writers import ParquetWriter

        shutil.rmtree(self.folder, ignore_errors=True)
        self.writer = ParquetWriter(self.folder, compression=self.compression)
        return [Document(text=text, id=f"document-{i}") for i, text in enumerate(read("all.jsonl"))]

    def run(self, docs):
        with self.writer as writer:
            for doc in docs:
                writer.write(doc, 0)


class ParquetRead:
    """Every text as a Document."""

    def prepare(self, part):
        from datatrove.pipeline.readers import ParquetReader

        return ParquetReader(scratch, glob_pattern="documents.parquet")

    def run(self, reader):
        characters = sum(len(doc.text) for doc in reader.run(None, 0, 1))
        assert characters > 0


class Language:
    """fastText's lid.176 as FastTextLID.predict of datatrove calls it; the class itself would download a model."""

    def __init__(self):
        from fasttext.FastText import _FastText

        self.model = _FastText(language_model)

    def prepare(self, part):
        return documents(part)

    def run(self, docs):
        for doc in docs:
            self.model.predict(doc.text.replace("\n", " "), k=-1)


class Extract:
    def __init__(self):
        from datatrove.pipeline.extractors import Trafilatura

        self.extractor = Trafilatura()

    def prepare(self, part):
        return read("pages.jsonl")

    def run(self, pages):
        for page in pages:
            self.extractor.extract(page)


rows = {
    "cascade": Cascade,
    "cascade with stopping": CascadeWithStopping,
    "minhash": Minhash,
    "parquet read": ParquetRead,
    "parquet write": lambda: ParquetWrite("snappy"),
    "parquet write zstd": lambda: ParquetWrite("zstd"),
    "language": Language,
    "extract": Extract,
}
# Rows whose tokenizer is loaded on first use.
lazy = ("cascade", "cascade with stopping", "minhash")
made = {}
for line in sys.stdin:
    asked = json.loads(line)
    name, part = asked["row"], asked["slice"]
    try:
        if name not in made:
            made[name] = rows[name]()
            if name in lazy:
                made[name].prepare(part)
                made[name].run(documents(part)[:3])
        ready = made[name].prepare(part)
        before = time.process_time()
        made[name].run(ready)
        print(json.dumps({"seconds": time.process_time() - before}), flush=True)
    except Exception as error:  # The bench shows the row without a peer and says why.
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
