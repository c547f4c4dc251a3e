"""transformers' `generate` on the CPU for test/bench/rollout.ts: a JSON line in ({prompts, samples, max_new_tokens, ends, greedy, seed}), a
line out that begins with ">" ({seconds, tokens}). The first argument is the model folder. Prompts are padded on the left; one batch holds all."""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
for line in sys.stdin:
    ask = json.loads(line)
    rows = [p for p in ask["prompts"] for _ in range(ask["samples"])]
    width = max(len(p) for p in rows)
    ids = torch.tensor([[0] * (width - len(p)) + p for p in rows])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in rows])
    how = {"do_sample": False} if ask["greedy"] else {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    torch.manual_seed(ask["seed"])
    ends = ask["ends"]
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            ids, attention_mask=mask, max_new_tokens=ask["max_new_tokens"], eos_token_id=ends or None, pad_token_id=0, **how
        )
    seconds = time.perf_counter() - start
    tokens = []
    for row in out[:, width:].tolist():
        end = next((i + 1 for i, t in enumerate(row) if t in ends), len(row))
        tokens.append(row[:end])
    print(">" + json.dumps({"seconds": seconds, "tokens": tokens}), flush=True)
