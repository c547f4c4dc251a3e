"""Makes test/fixtures/bpe-train.json: merges learnt by Hugging Face tokenizers (PyPI) on our demo notes.

Run from the repository root with a Python that has `tokenizers`:  python test/oracles/bpe_train.py
"""
import json
import tokenizers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

texts = [json.loads(line)["text"] for line in open("mixtures/demo/notes.jsonl", encoding="utf8")]
gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
llama3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
patterns = {
    "gpt2": gpt2,
    "llama3": llama3,
    "qwen2": llama3.replace(r"\p{N}{1,3}", r"\p{N}"),
    "digits": gpt2.replace(r" ?\p{N}+", r"\p{N}"),
}
out = {"made_with": "tokenizers " + tokenizers.__version__, "vocab_size": 500, "merges": {}}
for name, pattern in patterns.items():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        min_frequency=2,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    out["merges"][name] = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
json.dump(out, open("test/fixtures/bpe-train.json", "w"), indent=1, ensure_ascii=True)
