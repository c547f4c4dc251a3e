"""A random model of Qwen2.5-0.5B's shape (bf16, real vocabulary, sharded) and what transformers computes from it.

    python test/oracles/qwen-shaped.py write FOLDER      # the model folder, and expected.json with logits of 8 tokens
    python test/oracles/qwen-shaped.py open FOLDER       # opens a folder saved by midtrain, prints its number of weights and logits of 8 tokens

Needs torch and transformers; some 5 GB of memory. Used by test/real/qwen-shaped.ts (npm run test:real-shape).
"""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, Qwen2Config

TOKENS = [1, 151000, 42, 37440, 37439, 99999, 7, 150000]  # on both sides of the borders of row blocks


def logits_of(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor([TOKENS]), use_cache=False).logits[0]


def write(folder):
    config = Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
        max_position_embeddings=32768, rms_norm_eps=1e-6, tie_word_embeddings=True, bos_token_id=151643, eos_token_id=151643,
        rope_parameters=dict(rope_type='default', rope_theta=1e6),
    )
    torch.manual_seed(1)
    torch.set_default_dtype(torch.bfloat16)
    model = AutoModelForCausalLM.from_config(config)
    torch.set_default_dtype(torch.float32)
    g = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith('bias'):
                p.copy_(torch.randn(p.shape, generator=g) * 0.5)
    model.save_pretrained(folder, max_shard_size='300MB')
    model = model.float().eval()
    logits = logits_of(model)
    pick = [int(i) for i in torch.linspace(0, config.vocab_size - 1, 200)]
    with open(os.path.join(folder, 'expected.json'), 'w') as f:
        json.dump({'tokens': TOKENS, 'columns': pick, 'logits': logits[:, pick].tolist(), 'argmax': logits.argmax(-1).tolist()}, f)


def open_saved(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    logits = logits_of(model)
    print(json.dumps({'parameters': sum(p.numel() for p in model.parameters()), 'argmax': logits.argmax(-1).tolist(),
                      'first': logits[:, :200].tolist()}))


if __name__ == '__main__':
    (write if sys.argv[1] == 'write' else open_saved)(sys.argv[2])
