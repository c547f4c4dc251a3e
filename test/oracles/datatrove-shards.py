"""Token shards through datatrove's own classes, for test/io/datatrove-shards.test.ts.

  read SEQ_LEN FOLDER=TOKEN_SIZE...  DatatroveFolderDataset (and DatatroveFileDataset for each file): every window's tokens and positions
  tokenize TOKENIZER_JSON DOCUMENTS.jsonl OUT    DocumentTokenizer on two ranks, DocumentTokenizerMerger over both, with loss masks
  fixture OUT.json                   shards that TokenizedFile writes for fixed documents, as hex, to be committed

Needs datatrove; `read` also torch. Prints one JSON document. datatrove has no dataset that reads .ds.loss (0.10); `read` reads that file itself.
"""

import importlib.metadata
import json
import os
import sys
import tempfile

import numpy as np


def read(folder, seq_len, token_size):
    from datatrove.utils.dataset import DatatroveFileDataset, DatatroveFolderDataset

    whole = DatatroveFolderDataset(folder, seq_len, token_size=token_size, return_positions=True)
    windows = [whole[i] for i in range(len(whole))]
    files = []
    for name in sorted(f for f in os.listdir(folder) if f.endswith(".ds")):
        path = os.path.join(folder, name)
        one = DatatroveFileDataset(path, seq_len, token_size=token_size, return_positions=True)
        loss = None
        if os.path.exists(path + ".loss"):
            loss = np.fromfile(path + ".loss", dtype=np.bool_).astype(int).tolist()
        ids = [one[i]["input_ids"].tolist() for i in range(len(one))]
        files.append({"name": name, "sequences": len(one), "windows": ids, "loss": loss})
    return {
        "sequences": len(whole),
        "windows": [w["input_ids"].tolist() for w in windows],
        "positions": [w["positions"].tolist() for w in windows],
        "files": files,
    }


def tokenize(tokenizer, documents, out):
    from datatrove.data import Document
    from datatrove.pipeline.tokens import DocumentTokenizer, DocumentTokenizerMerger

    with open(documents) as f:
        docs = [Document(text=json.loads(line)["text"], id=str(i)) for i, line in enumerate(f)]
    for rank in (0, 1):
        step = DocumentTokenizer(
            os.path.join(out, "ranks"),
            tokenizer,
            eos_token="<|endoftext|>",
            shuffle_documents=False,
            save_loss_metadata=True,
        )
        step.run(iter(docs[rank::2]), rank=rank, world_size=2)
    merger = DocumentTokenizerMerger(
        os.path.join(out, "ranks"), os.path.join(out, "merged"), "merged", shuffle=False, save_loss_metadata=True
    )
    merger.run()
    return {"files": sorted(os.path.relpath(os.path.join(p, f), out) for p, _, fs in os.walk(out) for f in fs)}


def fixture():
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    random = np.random.default_rng(1)
    cases = []
    for name, token_size, vocab in (("gpt2", 2, 50257), ("meta-llama/Llama-3.2-1B", 4, 128256)):
        documents = [random.integers(0, vocab, size=int(n)).tolist() for n in random.integers(1, 90, size=30)]
        loss = [random.integers(0, 2, size=len(d)).tolist() for d in documents]
        with tempfile.TemporaryDirectory() as folder:
            file = TokenizedFile(
                folder,
                "00000.ds",
                save_loss_metadata=True,
                tokenizer_name_or_path=name,
                save_final_metadata=True,
                token_size=token_size,
            )
            for tokens, values in zip(documents, loss):
                file.write(tokens, np.array(values))
            file.close()
            files = {f: open(os.path.join(folder, f), "rb").read().hex() for f in sorted(os.listdir(folder))}
        cases.append({"name": name, "vocabSize": vocab, "documents": documents, "loss": loss, "files": files})
    return {"datatrove": importlib.metadata.version("datatrove"), "cases": cases}


mode, *args = sys.argv[1:]
if mode == "read":
    folders = [arg.rsplit("=", 1) for arg in args[1:]]
    result = [read(folder, int(args[0]), int(size)) for folder, size in folders]
elif mode == "tokenize":
    result = tokenize(*args)
elif mode == "fixture":
    with open(args[0], "w") as f:
        f.write(json.dumps(fixture(), separators=(",", ":")) + "\n")
    result = {"written": args[0]}
else:
    sys.exit(f"unknown mode {mode}")
print(json.dumps(result))
