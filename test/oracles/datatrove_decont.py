"""
Makes test/fixtures/decontaminate/datatrove.json: texts of our own in the shape of datatrove's n-gram decontamination test, and which of
them datatrove keeps. Needs: pip install "datatrove[processing]==0.10.1" spacy. Run from the repository: python test/oracles/datatrove_decont.py
"""
import json
import pathlib
import tempfile

from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer

NGramsDecontIndexer._requires_dependencies = []  # lighteval only loads tasks from the Hub
query = "A woman kneels beside an old bicycle. She turns it over and"
label = "loosens the rear wheel with a short wrench before taking off the tyre by hand."
other = "The gardener carries two grey buckets down to the pond at dawn"
items = [
    {"benchmark": "b", "item": "0", "problem": query, "solution": label},
    {"benchmark": "b", "item": "1", "problem": other, "solution": "and fills them."},
]
texts = [
    query + " walks off.",
    label,
    "She turns it over and loosens the rear wheel with a short wrench.",
    "She turns it over and sings an old song to the children.",
    other,
    "",
    other.removesuffix(" dawn"),
]
texts = [f"Nothing is so painful as change. {text} Beware, for I am fearless." for text in texts]


def kept(**config):
    config = NGramsDecontConfig(**config)
    folder = tempfile.mkdtemp()
    indexer = NGramsDecontIndexer(folder, config=config)
    filter = NGramsDecontFilter(folder, config=config)
    filter._index_hashes = {
        hash: "b" for item in items for hash in indexer.compute_hashes(item["solution"], item["problem"])
    }
    return [i for i, text in enumerate(texts) if filter.filter(Document(text=text, id=str(i))) is True]


result = {
    "source": "datatrove 0.10.1, NGramsDecontFilter, 12-grams",
    "items": items,
    "texts": texts,
    "kept": {
        "label": kept(find_query_ngrams=False, find_overlap_ngrams=False),
        "query": kept(find_query_ngrams=True, find_overlap_ngrams=False),
        "overlap": kept(find_query_ngrams=False, find_overlap_ngrams=True),
        "all": kept(find_query_ngrams=True, find_overlap_ngrams=True),
    },
}
path = pathlib.Path("test/fixtures/decontaminate/datatrove.json")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(result, indent=1) + "\n")
print(result["kept"])
