"""What datatrove's own filters answer about documents, as JSON lines, to compare with (test/oracles/compare-datatrove.ts).

    python -m venv venv && venv/bin/pip install "datatrove[processing]==0.10.1" spacy
    venv/bin/python datatrove-filters.py documents.jsonl > answers.jsonl

Per document: verdict of each filter with default settings, the numbers the repetition filter compares, the lines C4 keeps, and the text
after PII masking, symbol lines and simplify_text. `text` of each line of the input is the document.
"""

import json
import re
import sys

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4ParagraphFilter,
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters.gopher_repetition_filter import (
    find_all_duplicate,
    find_duplicates,
    find_top_duplicate,
    get_n_grams,
)
from datatrove.pipeline.formatters import PIIFormatter, SymbolLinesFormatter
from datatrove.pipeline.stats import DocStats, LineStats, ParagraphStats, WordStats
from datatrove.utils.text import simplify_text, split_into_sentences, split_into_words


def verdict(step, text):
    document = Document(text=text, id="0")
    answer = step.filter(document)
    if isinstance(answer, tuple):
        answer, reason = answer
        return {"keep": bool(answer), "reason": reason}, document.text
    return {"keep": bool(answer)}, document.text


def repetition(text):
    numbers = {}
    paragraphs = re.compile(r"\n{2,}").split(text.strip())
    copies, characters = find_duplicates(paragraphs)
    numbers["dup_para_frac"] = copies / len(paragraphs)
    numbers["dup_para_char_frac"] = characters / len(text)
    lines = re.compile("\n+").split(text)
    copies, characters = find_duplicates(lines)
    numbers["dup_line_frac"] = copies / len(lines)
    numbers["dup_line_char_frac"] = characters / len(text)
    words = split_into_words(text)
    for n in (2, 3, 4):
        ngrams = get_n_grams(words, n)
        numbers[f"top_{n}_gram"] = find_top_duplicate(ngrams) / len(text) if ngrams else 0
    for n in range(5, 11):
        numbers[f"duplicated_{n}_grams"] = find_all_duplicate(words, n) / len(text)
    return numbers


steps = {
    "gopher-repetition": GopherRepetitionFilter(),
    "gopher-quality": GopherQualityFilter(),
    "c4": C4QualityFilter(),
    "c4-fineweb": C4QualityFilter(filter_no_terminal_punct=False),
    "c4-paragraph": C4ParagraphFilter(),
    "fineweb-quality": FineWebQualityFilter(),
}
pii = PIIFormatter(email_replacement="EMAIL", ip_replacement="IP")
symbols = SymbolLinesFormatter()
# Nothing is written before run() is called.
stats = [block("/tmp/unused") for block in (DocStats, LineStats, ParagraphStats, WordStats)]
no_sentences = {
    "c4": C4QualityFilter(min_num_sentences=-1, filter_curly_bracket=False, filter_lorem_ipsum=False),
    "c4-fineweb": C4QualityFilter(
        min_num_sentences=-1, filter_curly_bracket=False, filter_lorem_ipsum=False, filter_no_terminal_punct=False
    ),
}

for line in open(sys.argv[1], encoding="utf-8"):
    text = json.loads(line)["text"]
    answer = {"filters": {name: verdict(step, text)[0] for name, step in steps.items()}}
    answer["repetition"] = repetition(text)
    answer["c4Text"] = {name: verdict(step, text)[1] for name, step in no_sentences.items()}
    answer["sentences"] = sum(len(split_into_sentences(part)) for part in text.splitlines() if part.strip())
    answer["pii"] = pii.format(text)
    answer["symbolLines"] = symbols.format(text)
    answer["simplified"] = simplify_text(text)
    answer["stats"] = {}
    for block in stats:
        answer["stats"].update(block.extract_stats(Document(text=text, id="0")))
    print(json.dumps(answer))
