"""Writes test/fixtures/fasttext/languages.json: what the reference predicts with lid.176.ftz on the texts of test/classifiers/language-texts.ts.

    node test/classifiers/language-texts.ts > /tmp/texts.jsonl
    python -m venv /tmp/ft && /tmp/ft/bin/pip install fasttext-numpy2-wheel==0.9.2 numpy
    /tmp/ft/bin/python test/oracles/fasttext_languages.py /tmp/texts.jsonl ../shared/data/models/lid.176.ftz

Reference: PyPI fasttext-numpy2-wheel 0.9.2. The texts themselves stay out of the fixture; a hash tells whether they are the same. Scores are
kept as 16-bit numbers, in steps of 1/60000.
"""
import base64
import json
import struct
import sys
from pathlib import Path

import fasttext

fasttext.FastText.eprint = lambda *_: None
out = Path(__file__).parent.parent / "fixtures" / "fasttext" / "languages.json"
model = fasttext.load_model(sys.argv[2])
sets = {}
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    labels, scores = [], []
    for text in row["texts"]:
        # The command line reads a line with its line feed, which becomes </s>; line feeds inside are spaces, as midtrain reads them.
        score, label = model.f.predict(text.replace("\n", " ") + "\n", 1, 0.0, "strict")[0]
        label = label.removeprefix("__label__")
        scores.append(round(score * 60000))
        if labels and labels[-1][0] == label:
            labels[-1][1] += 1
        else:
            labels.append([label, 1])
    packed = base64.b64encode(struct.pack(f"<{len(scores)}H", *scores)).decode()
    sets[row["name"]] = {"count": len(scores), "sha256": row["sha256"], "labels": labels, "scores": packed}
    print(row["name"], len(scores), "texts", len({label for label, _ in labels}), "languages")
out.write_text(json.dumps(sets, ensure_ascii=False) + "\n", encoding="utf-8")
