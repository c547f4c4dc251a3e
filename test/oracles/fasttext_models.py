"""Makes test/fixtures/fasttext: tiny fastText models of every kind, and what the reference predicts with them.

    python -m venv /tmp/ft && /tmp/ft/bin/pip install fasttext-numpy2-wheel==0.9.2 numpy
    /tmp/ft/bin/python test/oracles/fasttext_models.py

Reference: PyPI fasttext-numpy2-wheel 0.9.2 (fastText 0.9.2 built for x86-64). A rerun gives other models: fastText starts from memory it
has not written unless it trains with ten threads or more (thread i fills the i-th tenth of the matrix), and threads race.
The training text is made up here from word lists; it is not real data.
"""
import base64
import json
import os
import random
import tempfile
from pathlib import Path

import fasttext

fasttext.FastText.eprint = lambda *_: None
out = Path(__file__).parent.parent / "fixtures" / "fasttext"
out.mkdir(parents=True, exist_ok=True)

topics = {
    "algebra": "group ring field kernel ideal module order product inverse identity x^2 $a+b$ matrix rank",
    "cooking": "butter flour oven bake salt pepper onion stir simmer dough crème brûlée jalapeño",
    "sport": "match goal team league score coach striker season cup referee penalty win loss",
    "deutsch": "der die das und nicht mit für über Straße Größe Übung Wörter schön weiß",
    "русский": "это не что как мы они слово задача решение число доказать пусть тогда",
    "中文": "数学 证明 定理 函数 我们 可以 问题 答案 群 环 域 极限",
    "emoji": "😀 🎉 👍🏽 ❤️ 🇩🇪 👩‍👩‍👧 ok lol wow",
}
common = "the of and to in is that for it as was with be by on".split()


def training_text(labels, lines, seed):
    rng = random.Random(seed)
    rows = []
    for index in range(lines):
        # Unequal counts, so that a Huffman tree is not balanced.
        label = labels[min(int(rng.expovariate(0.5)), len(labels) - 1)]
        words = topics[label].split()
        text = " ".join(rng.choice(words if rng.random() < 0.6 else common) for _ in range(rng.randint(4, 14)))
        second = f" __label__{rng.choice(labels)}" if index % 9 == 0 else ""
        rows.append(f"__label__{label}{second} {text}")
    return "\n".join(rows) + "\n"


base = dict(dim=4, epoch=8, lr=0.2, minCount=1, thread=12, verbose=0, seed=7)
models = {
    "softmax": dict(loss="softmax"),
    "bigrams": dict(loss="softmax", wordNgrams=2, bucket=200),
    "trigrams-dim5": dict(loss="softmax", wordNgrams=3, bucket=97, dim=5),
    "subwords": dict(loss="softmax", minn=2, maxn=4, bucket=300),
    "subwords-1": dict(loss="softmax", minn=1, maxn=2, bucket=150, wordNgrams=2, minCount=20),
    "one-vs-all": dict(loss="ova", wordNgrams=2, bucket=200),
    "negative-sampling": dict(loss="ns", neg=2),
    "tree": dict(loss="hs", minn=2, maxn=3, bucket=250),
}
quantised = {
    "bigrams-q": ("bigrams", dict()),
    "bigrams-q-norm": ("bigrams", dict(qnorm=True)),
    "trigrams-q-dsub3": ("trigrams-dim5", dict(dsub=3, qnorm=True, _bucket=400)),
    "subwords-q-cutoff": ("subwords", dict(cutoff=270, retrain=False)),
    "subwords-q-cutoff-norm": ("subwords", dict(cutoff=270, qnorm=True, retrain=True, epoch=1, lr=0.1, thread=12, verbose=0)),
    "tree-q": ("tree", dict(qnorm=True)),
    "one-vs-all-q": ("one-vs-all", dict(qnorm=True)),
}

texts = [
    "",
    "   ",
    "the group is a field",
    "the group\nis a field\n",
    "ring\tkernel\r\nideal\fmodule\vorder\0identity",
    "der Straße und die Größe für Übung",
    "это доказать пусть",
    "数学 证明 我们数学证明 定理",
    "😀 👍🏽 👩‍👩‍👧 🇩🇪lol",
    "crème brûlée cre\u0300me",
    "unbekannteswort zzzzqqqq xyzzy",
    "a b c d e f g",
    "goal </s> butter butter butter flour",
    "__label__sport goal __label__nothing butter",
    "x",
    "\u00a0goal\u00a0team\u2003score \ufeffmatch",
    "$a+b$ x^2 \\frac{1}{2} = 0.5 " * 40,
    "w" * 500 + " " + "é" * 200,
    " ".join(common * 30),
    "the <b>of</b> and&nbsp;to",
]


def train(settings, labels, lines):
    settings = {**base, **settings}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(training_text(labels, lines, seed=3))
    model = fasttext.train_supervised(file.name, **settings)
    return model, file.name


def record(name, model, extension, expected):
    path = out / f"{name}.{extension}"
    model.save_model(str(path))
    loaded = fasttext.load_model(str(path))
    rows = []
    for text in texts:
        # The python wrapper adds the line feed that becomes </s>; line feeds inside are spaces, as midtrain reads them.
        found = loaded.f.predict(text.replace("\n", " ") + "\n", min(len(loaded.labels), 12), 0.0, "strict")
        rows.append([[label.removeprefix("__label__"), float(f"{score:.9g}")] for score, label in found])
    expected[name] = {"file": path.name, "labels": [l.removeprefix("__label__") for l in loaded.labels], "predictions": rows}
    print(f"{path.name:32} {os.path.getsize(path):7} bytes")


def main():
    labels = list(topics)
    expected = {}
    for name, settings in models.items():
        model, _ = train(settings, labels, 300)
        record(name, model, "bin", expected)
    for name, (source, options) in quantised.items():
        settings = dict(models[source])
        options = dict(options)
        settings["bucket"] = options.pop("_bucket", settings["bucket"])
        model, data = train(settings, labels, 300)
        model.quantize(input=data, **options)
        record(name, model, "ftz", expected)
    # A quantised output matrix needs at least 256 labels.
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        rng = random.Random(5)
        for _ in range(1500):
            topic = rng.randrange(260)
            file.write(f"__label__t{topic} w{topic % 16} v{topic // 16} {rng.choice(common)}\n")
        for topic in range(260):
            file.write(f"__label__t{topic} w{topic % 16} v{topic // 16}\n")
    for name, settings in {"many-labels-q-out": dict(loss="softmax"), "many-labels-tree-q-out": dict(loss="hs")}.items():
        model = fasttext.train_supervised(file.name, **{**base, **settings, "wordNgrams": 2, "bucket": 300})
        model.quantize(input=file.name, qout=True, qnorm=True)
        record(name, model, "ftz", expected)
    word_vectors = fasttext.train_unsupervised(file.name, dim=2, bucket=1, epoch=1, minCount=50, thread=12, verbose=0)
    word_vectors.save_model(str(out / "word-vectors.bin"))
    names = json.dumps({"texts": texts, "models": expected}, ensure_ascii=False)
    (out / "expected.json").write_text(names + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
