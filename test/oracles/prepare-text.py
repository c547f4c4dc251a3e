"""Writes test/fixtures/prepare-text.json: texts and what MegaMath's normalisation makes of them.

    pip install --target /tmp/nltk nltk==3.9.1 && PYTHONPATH=/tmp/nltk python test/oracles/prepare-text.py

NLTK after 3.9 compiles its patterns with the `regex` module, for which combining marks are word characters; MegaMath was made with 3.9.

The steps below are the facts of recipe.md 3 in our own words, over NLTK's wordpunct_tokenize and Python's re and unicodedata; the texts are
made up here. Characters assigned after Unicode 14 are kept out, because Python 3.11 and Node 24 class them differently.
"""
import json
import random
import re
import unicodedata
from pathlib import Path

import nltk
from nltk.tokenize import wordpunct_tokenize

assert nltk.__version__.startswith("3.9"), nltk.__version__

out = Path(__file__).parent.parent / "fixtures" / "prepare-text.json"


def megamath(text):
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text))
    tokens = []
    for token in map(str.lower, wordpunct_tokenize(text)):
        if token.isdigit():
            tokens.append("<NUM>")
        elif len(token) <= 100:
            tokens.append(token)
    text = re.sub(r"[-_]+", " ", " ".join(tokens))
    text = re.sub(r"[^a-zA-Z0-9\s<NUM>]", "", text)
    words = re.sub(r"\s+", " ", text).strip().split()
    chunks = [" ".join(words[i : i + 1024]) for i in range(0, len(words), 1024)]
    return " <EOS> ".join(chunks).strip()


texts = [
    "",
    " \n\t ",
    "Let x_1 = 3.14 and x-2 <= 10; then \\frac{1}{2} < N.",
    "ＦＵＬＬ　ＷＩＤＴＨ １２３ ｶﾅ ﬁne ﬀ ² ³ ½ ㎏ Ⅳ ①②③ ⑴ ⒈ 𝐀𝐁𝐂 𝟙𝟚𝟛 𝑥² ℝ ℕ",
    "İstanbul ISTANBUL ıI Σίσυφος ΑΣ ẞ STRASSE Å K",
    "٣٤٥ ५६७ ፩፪፫ ➀➁ ❶❷ ㊀ 一二三 Ⅻ x٣ 3a a3 3_4 __ --",
    "line one\nline two\r\nline\u2028three\u2029four\u0085five\u001csix\u001fseven\ufeffeight\u200bnine\u00a0ten\u3000eleven",
    "café naïve e\u0301 n\u0303 Zürich 数学 математика العربية עברית",
    "<EOS> </s> <NUM> <b>bold</b> a<b b>c << >> <>",
    "w" * 100 + " " + "w" * 101 + " " + "é" * 100 + "a " + "İ" * 50 + " " + "İ" * 51 + " " + "1" * 200 + " " + "!" * 200 + "a",
    "👍🏽 👩‍👩‍👧 ok🎉lol 🇩🇪 a😀b 𠮷野 a𠮷b 𞤀𞤁 \U00010a40\U00010a41 \U0001d7d8",
    "don't stop—now… it's 5'10\" (a) [b] {c} $x$ 50% #1 @me a/b a\\b a|b a&b",
    " ".join(f"w{i}" for i in range(1023)),
    " ".join(f"w{i}" for i in range(1024)),
    " ".join(f"w{i}" for i in range(1025)),
    " ".join(f"{i}" for i in range(2048)),
    "a-b_c " * 1500,
    "-" * 3000 + "a" + "_" * 90 + "b",
]

rng = random.Random(7)
known = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
common = "aAbBzZ019 _-<>.,!\n\t\u00a0éßİıΣσς²½ﬁ①Ａａ１\u0301\u200b\u2028"
for _ in range(60):
    texts.append("".join(rng.choice(common if rng.random() < 0.7 else known) for _ in range(rng.randint(1, 120))))
# Every assigned character that is no ideograph or syllable, between letters and between digits.
rare = [c for c in known if not 0x3400 <= ord(c) <= 0xD7A3 and not 0x17000 <= ord(c) <= 0x18CFF and ord(c) < 0x1F800]
sums = []
for start in range(0, len(rare), 2000):
    text = " ".join(f"a{c}b 1{c}2" for c in rare[start : start + 2000])
    sums.append({"from": ord(rare[start]), "to": ord(rare[min(start + 2000, len(rare)) - 1]), "text": text})

rows = [{"text": text, "prepared": megamath(text)} for text in texts]
rows += [{"from": s["from"], "to": s["to"], "prepared": megamath(s["text"])} for s in sums]
if __name__ == "__main__":
    # For the ranges only a checksum of the result is kept; the test makes the text again.
    import hashlib

    for row in rows:
        if "from" in row or len(row["prepared"]) > 2000:
            row["sha256"] = hashlib.sha256(row.pop("prepared").encode()).hexdigest()
    # Unassigned in Unicode 14: the test leaves them out of the ranges.
    assigned = []
    for c in rare:
        code = ord(c)
        if assigned and assigned[-1][1] == code - 1:
            assigned[-1][1] = code
        else:
            assigned.append([code, code])
    out.write_text(json.dumps({"unicode": unicodedata.unidata_version, "assigned": assigned, "rows": rows}, ensure_ascii=True) + "\n")
    print(len(rows), out.stat().st_size)
