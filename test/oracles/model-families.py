"""Fixtures of tiny random models of every family, computed by transformers and PyTorch (test/fixtures/families).

    python test/oracles/model-families.py write            # writes the fixtures
    python test/oracles/model-families.py check FOLDER IDS # logits of a saved folder, as JSON, for test/trainer/families.test.ts

Needs torch, transformers, safetensors (any CPU build). Every family: config.json, model.safetensors, and expected.safetensors with the
logits of a batch, the gradient of its mean cross-entropy for every tensor, and every tensor after ten AdamW steps on ten batches.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fixtures', 'families')
BATCH, SEQ, VOCAB, STEPS = 2, 12, 40, 10
ADAM = {'lr': 1e-3, 'beta1': 0.9, 'beta2': 0.95, 'eps': 1e-8, 'weightDecay': 0.1, 'clipNorm': 1.0}

BASE = dict(
    vocab_size=VOCAB, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=24,
    max_position_embeddings=64, attn_implementation='eager', bos_token_id=1, eos_token_id=2,
    pad_token_id=None,  # nn.Embedding gives the padding token no gradient
)


def families():
    from transformers import Gemma2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
    scaling = dict(rope_type='llama3', factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
    return {
        'llama3': LlamaConfig(**BASE, rope_parameters=dict(scaling, rope_theta=500000.0), tie_word_embeddings=False),
        'smollm2': LlamaConfig(**BASE, rope_parameters=dict(rope_type='default', rope_theta=100000.0), tie_word_embeddings=True),
        'mistral': MistralConfig(**BASE, sliding_window=5, tie_word_embeddings=False),
        'qwen2': Qwen2Config(**BASE, rope_parameters=dict(rope_type='default', rope_theta=1e6), tie_word_embeddings=True),
        'qwen2-window': Qwen2Config(**BASE, use_sliding_window=True, sliding_window=4, max_window_layers=1, tie_word_embeddings=False),
        'qwen3': Qwen3Config(**BASE, head_dim=8, tie_word_embeddings=True),
        'gemma2': Gemma2Config(**BASE, head_dim=8, query_pre_attn_scalar=10, sliding_window=5, attn_logit_softcapping=0.8,
                               final_logit_softcapping=1.5),
    }


def randomise(model, seed):
    """Weights large enough that every option shows; norms and biases away from their starting values."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.25 + (1.0 if p.dim() == 1 and 'norm' in name and 'gemma' not in model.config.model_type else 0.0))


def batches(seed):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(0, VOCAB, (BATCH, SEQ + 1), generator=g) for _ in range(STEPS)]


def loss_of(model, ids):
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.reshape(-1, VOCAB), ids[:, 1:].reshape(-1)), logits


def write():
    from transformers import AutoModelForCausalLM
    for number, (name, config) in enumerate(families().items()):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, attn_implementation='eager')
        model.eval()
        randomise(model, number + 1)
        folder = os.path.join(ROOT, name)
        os.makedirs(folder, exist_ok=True)
        model.save_pretrained(folder)
        for extra in ('generation_config.json',):
            path = os.path.join(folder, extra)
            if os.path.exists(path):
                os.remove(path)
        ids = batches(number + 100)
        loss, logits = loss_of(model, ids[0])
        loss.backward()
        tensors = {'logits': logits.detach().clone()}
        for key, p in model.named_parameters():
            tensors[f'gradient.{key}'] = p.grad.detach().clone()
        model.zero_grad()
        groups = [
            {'params': [p for p in model.parameters() if p.dim() > 1], 'weight_decay': ADAM['weightDecay']},
            {'params': [p for p in model.parameters() if p.dim() == 1], 'weight_decay': 0.0},
        ]
        adam = torch.optim.AdamW(groups, lr=ADAM['lr'], betas=(ADAM['beta1'], ADAM['beta2']), eps=ADAM['eps'])
        losses = []
        for batch in ids:
            adam.zero_grad()
            step_loss, _ = loss_of(model, batch)
            step_loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), ADAM['clipNorm'])
            adam.step()
            losses.append(step_loss.item())
        for key, p in model.named_parameters():
            tensors[f'after.{key}'] = p.detach().clone()
        save_file({k: v.contiguous().float() for k, v in tensors.items()}, os.path.join(folder, 'expected.safetensors'))
        meta = {'loss': loss.item(), 'losses': losses, 'batch': BATCH, 'seq': SEQ, 'adam': ADAM,
                'batches': [b.flatten().tolist() for b in ids]}
        with open(os.path.join(folder, 'expected.json'), 'w') as f:
            json.dump(meta, f)
            f.write('\n')
        print(name, round(loss.item(), 4), sum(p.numel() for p in model.parameters()))


def check(folder, ids):
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation='eager', dtype=torch.float32)
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits
    print(json.dumps(logits.flatten().tolist()))


if __name__ == '__main__':
    if sys.argv[1] == 'write':
        write()
    else:
        check(sys.argv[2], json.loads(sys.argv[3]))
