"""Greedy text of checkpoint folders by transformers: AutoModelForCausalLM and AutoTokenizer, nothing else said.

    python test/oracles/greedy-texts.py '["prompt", ...]' NEW_TOKENS FOLDER...     # prints {folder: [texts, prompt included]} as JSON

The model's begin token is put before a prompt where its config names one, as `midtrain generate` does. test/oracles/greedy-texts.ts writes the
fixture test/fixtures/greedy-texts.json with it.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

prompts, new_tokens = json.loads(sys.argv[1]), int(sys.argv[2])
texts = {}
for folder in sys.argv[3:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    how = {'attn_implementation': 'eager'} if json.load(open(f'{folder}/config.json'))['model_type'] == 'gemma2' else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **how).eval()
    begin = [] if model.config.bos_token_id is None else [model.config.bos_token_id]
    texts[folder] = []
    for prompt in prompts:
        ids = torch.tensor([begin + tokenizer(prompt, add_special_tokens=False)['input_ids']])
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
        texts[folder].append(prompt + tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True))
print(json.dumps(texts))
