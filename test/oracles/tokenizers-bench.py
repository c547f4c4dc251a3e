"""Encodes texts with Hugging Face's `tokenizers`, or tokenises a JSONL file with datatrove, and says what that cost in CPU seconds.

    TOKENIZERS_PARALLELISM=false RAYON_NUM_THREADS=1 python test/oracles/tokenizers-bench.py <scratch folder>

Every line on standard input is {"row": "encode", "tokenizer": <tokenizer.json>, "texts": <JSONL>} or {"row": "datatrove", ...}; the answer
is {"seconds", "tokens", "sha256"} (the sha256 of all ids as 32-bit little-endian numbers, text after text) or {"error"}. Tokenizers and
texts are loaded before the clock starts; datatrove reads the file itself, as `midtrain mix` does.
"""

import array
import hashlib
import json
import logging
import os
import shutil
import sys
import time

scratch = sys.argv[1]
loaded = {}


def tokenizer_of(path):
    from tokenizers import Tokenizer

    if path not in loaded:
        loaded[path] = Tokenizer.from_file(path)
    return loaded[path]


def encode(request):
    tokenizer = tokenizer_of(request["tokenizer"])
    with open(request["texts"], encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    batch = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    before = time.process_time()
    # The ids of a batch are taken out and dropped, as a writer would.
    ids = [encoding.ids for at in range(0, len(texts), 100) for encoding in batch(texts[at : at + 100], add_special_tokens=False)]
    seconds = time.process_time() - before
    digest = hashlib.sha256()
    for one in ids:
        digest.update(array.array("I", one).tobytes())
    return {"seconds": seconds, "tokens": sum(map(len, ids)), "sha256": digest.hexdigest()}


def datatrove(request):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.utils.logging import logger

    logger.remove()
    logging.disable(logging.CRITICAL)
    out = os.path.join(scratch, "datatrove")
    shutil.rmtree(out, ignore_errors=True)
    before = time.process_time()
    steps = [
        JsonlReader(os.path.dirname(request["texts"]), glob_pattern=os.path.basename(request["texts"])),
        DocumentTokenizer(
            os.path.join(out, "ds"),
            local_working_dir=os.path.join(out, "work"),
            tokenizer_name_or_path=request["tokenizer"],
            eos_token=request["eos"],
            max_tokens_per_file=None,
        ),
    ]
    LocalPipelineExecutor(pipeline=steps, logging_dir=os.path.join(out, "logs"), skip_completed=False).run()
    seconds = time.process_time() - before
    tokens = sum(
        os.path.getsize(os.path.join(out, "ds", name)) // 2
        for name in os.listdir(os.path.join(out, "ds"))
        if name.endswith(".ds")
    )
    return {"seconds": seconds, "tokens": tokens, "sha256": ""}


rows = {"encode": encode, "datatrove": datatrove}
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = rows[request["row"]](request)
    except Exception as error:  # the bench says why there is no peer
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
