"""Prompts of chat models as transformers makes them (add_generation_prompt): writes test/fixtures/chat-prompts.json.

    /path/to/python test/oracles/chat-prompts.py        # transformers 5

Tokenizer and templates are those of chat-templates.py, read from its fixture.
"""
import datetime
import json
import os

import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2025, 1, 1)


chat_template_utils.datetime = FixedDate
here = os.path.join(os.path.dirname(__file__), "..", "fixtures")
with open(os.path.join(here, "chat-templates.json")) as f:
    given = json.load(f)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer.from_str(json.dumps(given["tokenizer"])), bos_token="<|begin|>", eos_token="</s>", pad_token="<|endoftext|>"
)
TALKS = {
    "question": [{"role": "user", "content": "What is the sum?"}],
    "system": [{"role": "system", "content": "I am a helpful assistant"}, {"role": "user", "content": "What is the sum?"}],
    "example": [
        {"role": "user", "content": "two and two"},
        {"role": "assistant", "content": "The answer is four."},
        {"role": "user", "content": "What is the sum?"},
    ],
}
cases = []
for name in ("chatml", "llama-3", "qwen-2.5"):
    for talk, messages in TALKS.items():
        options = dict(chat_template=given["templates"][name], add_generation_prompt=True)
        text = tokenizer.apply_chat_template(messages, tokenize=False, **options)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        cases.append({"template": name, "talk": talk, "messages": messages, "text": text, "ids": ids})
with open(os.path.join(here, "chat-prompts.json"), "w") as f:
    json.dump({"transformers": transformers.__version__, "cases": cases}, f, indent=1, ensure_ascii=False)
    f.write("\n")
