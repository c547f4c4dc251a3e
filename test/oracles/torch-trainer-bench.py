"""Rows of test/bench/trainer.ts in PyTorch on the CPU. Reads a row or {"times"} as a line of JSON, answers {"check"} or {"seconds"}."""
import json, sys, time
import numpy as np, torch
import torch.nn.functional as F

def values(size, seed, scale=1.0):
    i = np.arange(1, size + 1, dtype=np.uint64)
    h = (i * np.uint64(2654435761) + np.uint64(seed * 40503)) & np.uint64(0xFFFFFFFF)
    return torch.from_numpy(((h.astype(np.float64) / 4294967296 - 0.5) * scale).astype(np.float32))

def tokens(count, vocab, seed):
    return torch.clamp(((values(count, seed).double() + 0.5) * vocab).floor().long(), max=vocab - 1)

def sampled(x):
    x = x.detach().reshape(-1)
    return [float(x[(i * len(x)) // 32]) for i in range(32)]

def matmul(r):
    m, n, k, op = r["m"], r["n"], r["k"], r["op"]
    a = values(m * k, 1).reshape((k, m) if op == "tn" else (m, k))
    b = values(k * n, 2).reshape((n, k) if op == "nt" else (k, n))
    return lambda: (a.T if op == "tn" else a) @ (b.T if op == "nt" else b)

def attention(r):
    b, s, h, d = r["batch"], r["seq"], r["heads"], r["headDim"]
    qkv = values(b * s * h * d * 3, 1, 4).reshape(b, s, 3, h, d).requires_grad_()
    dout = values(b * s * h * d, 2).reshape(b, s, h, d)
    def run():
        q, k, v = (qkv[:, :, i].transpose(1, 2) for i in range(3))
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        return torch.autograd.grad((o * dout).sum(), qkv)[0]
    return run

def cross_entropy(r):
    x = values(r["rows"] * r["vocab"], 1, 4).reshape(r["rows"], r["vocab"]).requires_grad_()
    t = tokens(r["rows"], r["vocab"], 3)
    return lambda: torch.autograd.grad(F.cross_entropy(x, t, reduction="sum"), x)[0]

def step(r):
    c, B, S = r["config"], r["batch"], r["seq"]
    H, D = c["heads"], c["headDim"]
    p = {}
    for t in r["tensors"]:
        n = int(np.prod(t["shape"]))
        x = torch.ones(n) if len(t["shape"]) == 1 else values(n, t["seed"], t["scale"])
        p[t["name"]] = x.reshape(t["shape"]).requires_grad_()
    tok, tgt = tokens(B * S, c["vocabSize"], 3), tokens(B * S, c["vocabSize"], 4)
    inv = c["ropeTheta"] ** (-torch.arange(0, D, 2).double() / D)
    ang = torch.outer(torch.arange(S).double(), inv)
    cos, sin = (torch.cat([f(ang)] * 2, -1).float()[None, :, None] for f in (torch.cos, torch.sin))
    rot = lambda x: x * cos + torch.cat([-x[..., D // 2:], x[..., :D // 2]], -1) * sin
    norm = lambda x, w: F.rms_norm(x, (x.shape[-1],), w, c["normEps"])
    opt = torch.optim.AdamW(p.values(), lr=r["lr"], betas=(0.9, 0.95), eps=1e-8, weight_decay=0)
    def run():
        x = p["model.embed_tokens.weight"][tok]
        for l in range(c["layers"]):
            g = lambda name: p[f"model.layers.{l}.{name}.weight"]
            h = norm(x, g("input_layernorm"))
            q, k, v = ((h @ g(f"self_attn.{n}_proj").T).reshape(B, S, H, D) for n in "qkv")
            o = F.scaled_dot_product_attention(rot(q).transpose(1, 2), rot(k).transpose(1, 2), v.transpose(1, 2), is_causal=True)
            x = x + o.transpose(1, 2).reshape(B * S, -1) @ g("self_attn.o_proj").T
            h = norm(x, g("post_attention_layernorm"))
            x = x + (F.silu(h @ g("mlp.gate_proj").T) * (h @ g("mlp.up_proj").T)) @ g("mlp.down_proj").T
        loss = F.cross_entropy(norm(x, p["model.norm.weight"]) @ p["lm_head.weight"].T, tgt)
        opt.zero_grad(); loss.backward(); opt.step()
        return loss
    return run

kinds = {"matmul": matmul, "attention": attention, "cross-entropy": cross_entropy, "step": step}
run = None
for line in sys.stdin:
    asked = json.loads(line)
    try:
        if "row" in asked:
            run = kinds[asked["row"]["kind"]](asked["row"])
            first = run()
            answer = {"check": [float(first), float(run())] if asked["row"]["kind"] == "step" else sampled(first)}
        else:
            at = time.perf_counter()
            for _ in range(asked["times"]):
                run()
            answer = {"seconds": (time.perf_counter() - at) / asked["times"]}
    except Exception as error:
        answer = {"error": str(error)[:300]}
    print(">" + json.dumps(answer), flush=True)
