"""
What EleutherAI's lm-evaluation-harness sends to an OpenAI-compatible endpoint, and what transformers answers, for test/serve/lm-eval.test.ts.

    python -m venv venv && venv/bin/pip install 'lm_eval[api]' torch transformers tokenizers
    venv/bin/python test/oracles/lm-eval.py test/fixtures/lm-eval

Writes a tiny random Llama with its own byte-level BPE tokenizer (begin token and chat template included), and requests.json: every body that
lm-eval's `local-completions` and `local-chat-completions` post for three kinds of tasks, recorded by a server in this file that answers with
transformers' numbers in float32. The harness then computes its metrics from those answers, and they must equal those of its own `hf` model on the same
weights (asserted here), so the recorded answers are right in the harness's eyes. The texts are this script's own.
"""

import json
import math
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import lm_eval
import tokenizers
import torch
import transformers

torch.set_num_threads(1)
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
CONTEXT = 128

names = ["Ada", "Emmy", "Kurt", "Sofia"]
story = "{n} counts to {a}, then adds {b}. The sum is {c}. Voil\u00e0 \u2014 {n} writes \u201c{c}\u201d and sleeps.\n"
rows = [dict(n=names[i % 4], a=3 * i + 1, b=i + 2, c=4 * i + 3) for i in range(6)]


def tokenizer():
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|begin|>", "<|end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([story.format(**row) for row in rows], trainer)
    bpe.post_processor = tokenizers.processors.TemplateProcessing(
        single="<|begin|> $A", special_tokens=[("<|begin|>", 0)]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|begin|>", eos_token="<|end|>", model_max_length=CONTEXT
    )
    fast.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}"
    )
    fast.save_pretrained(folder)
    return fast


def model(vocabulary):
    config = transformers.LlamaConfig(
        vocab_size=vocabulary, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=24, max_position_embeddings=CONTEXT, bos_token_id=0, eos_token_id=1, pad_token_id=None,
        tie_word_embeddings=True, attn_implementation="eager",
    )
    made = transformers.AutoModelForCausalLM.from_config(config).eval()
    g = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, p in made.named_parameters():
            # Large enough that one token is clearly the likeliest almost everywhere.
            scale = 0.8 if "embed" in name else 0.4
            p.copy_(torch.randn(p.shape, generator=g) * scale + (1.0 if p.dim() == 1 else 0.0))
    made.save_pretrained(folder)
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


tok = tokenizer()
net = model(len(tok))


@torch.no_grad()
def answer_one(ids, body, echoed_from):
    """One choice: greedy, as every request of lm-eval here is. echoed_from: tokens at the front that the client did not send."""
    stops = body.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    drawn, text, finish, scores = [], "", "length", []
    while len(drawn) < body["max_tokens"]:
        logp = torch.log_softmax(net(torch.tensor([ids + drawn])).logits[0], -1)
        scores.append(float(logp[-1].max()))
        drawn.append(int(logp[-1].argmax()))
        if drawn[-1] == 1:
            finish = "stop"
            break
        text = tok.decode(drawn, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        cut = min((text.find(s) for s in stops if s in text), default=-1)
        if cut >= 0:
            text, finish = text[:cut], "stop"
            break
    choice = {"text": text, "finish_reason": finish}
    if body.get("echo"):
        logp = torch.log_softmax(net(torch.tensor([ids])).logits[0], -1)
        own = [None] + [float(logp[i, token]) for i, token in enumerate(ids[1:])]
        best = [None] + [float(logp[i].max()) for i in range(len(ids) - 1)]
        choice["token_logprobs"] = own[echoed_from:] + scores
        choice["best_logprobs"] = best[echoed_from:] + scores
    return choice


def answer(path, body):
    assert body["temperature"] == 0
    if "messages" in body:
        text = tok.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
        prompts = [(tok(text, add_special_tokens=False).input_ids, 0)]
    else:
        given = body["prompt"]
        if isinstance(given, str) or isinstance(given[0], int):
            given = [given]
        prompts = []
        for one in given:
            if isinstance(one, str):
                ids = tok(one, add_special_tokens=False).input_ids
                prompts.append((ids, 0) if ids[:1] == [0] else ([0] + ids, 1))
            else:
                prompts.append((one, 0))
    return [answer_one(ids, body, added) for ids, added in prompts]


recorded = []
lock = threading.Lock()


class Recorder(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            choices = answer(self.path, body)
            recorded.append({"path": self.path, "body": body, "choices": choices})
        out = []
        for index, choice in enumerate(choices):
            one = {"index": index, "text": choice["text"], "message": {"content": choice["text"]}}
            if "token_logprobs" in choice:
                top = [None if b is None else {"a": b} for b in choice["best_logprobs"]]
                one["logprobs"] = {"token_logprobs": choice["token_logprobs"], "top_logprobs": top}
            out.append(one)
        data = json.dumps({"choices": out}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}/v1"

work = tempfile.mkdtemp()
data = os.path.join(work, "rows.jsonl")
with open(data, "w") as f:
    for i, row in enumerate(rows):
        choices = [f" {row['c'] + d}." for d in (0, 1, 2)]
        f.write(json.dumps({**row, "choices": choices, "gold": 0, "story": story.format(**row) * (1 + i)}) + "\n")
common = dict(dataset_path="json", dataset_kwargs={"data_files": {"test": data, "train": data}}, test_split="test")
tasks = [
    dict(common, task="choice", output_type="multiple_choice", doc_to_text="{{n}} counts to {{a}}, then adds {{b}}. The sum is",
         doc_to_choice="{{choices}}", doc_to_target="gold", metric_list=[{"metric": "acc"}, {"metric": "acc_norm"}]),
    dict(common, task="write", output_type="generate_until", fewshot_split="train", num_fewshot=1,
         doc_to_text="{{n}}: {{a}} + {{b}} =", doc_to_target=" {{c}}",
         generation_kwargs={"until": ["\n\n", ".", "s"], "max_gen_toks": 12, "do_sample": False, "temperature": 0.0},
         metric_list=[{"metric": "exact_match"}]),
    dict(common, task="perplexity", output_type="loglikelihood_rolling", doc_to_text="", doc_to_target="{{story}}",
         metric_list=[{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}]),
]


def run(kind, which, limit, /, batch_size=1, chat=False, **args):
    out = lm_eval.simple_evaluate(
        model=kind, model_args=args, tasks=[t for t in tasks if t["task"] in which], limit=limit, batch_size=batch_size,
        apply_chat_template=chat, bootstrap_iters=0, log_samples=True, verbosity="ERROR",
    )
    return {
        task: [s["filtered_resps"] for s in sorted(samples, key=lambda s: s["doc_id"])] for task, samples in out["samples"].items()
    }


def agree(ours, theirs, where):
    if isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), where
        for a, b in zip(ours, theirs):
            agree(a, b, where)
    elif isinstance(ours, float):
        assert math.isclose(ours, theirs, abs_tol=1e-3), (where, ours, theirs)
    else:
        assert ours == theirs, (where, ours, theirs)


def same(a, b, where):
    for task in a:
        agree(a[task], b[task], f"{where} {task}")


hf = dict(pretrained=folder, dtype="float32", device="cpu", attn_implementation="eager")
completions = dict(base_url=f"{base}/completions", tokenizer=folder, model="tiny", max_length=CONTEXT, tokenizer_backend="huggingface")
everything = ["choice", "write", "perplexity"]
plain = run("hf", everything, 3, add_bos_token=False, **hf)
begun = run("hf", ["choice", "write"], 2, add_bos_token=True, **hf)
groups = []


def record(title, expected, /, *args, **more):
    first = len(recorded)
    same(run(*args, **more), expected, title)
    requests = sorted(recorded[first:], key=lambda r: json.dumps(r["body"]))
    groups.append({"name": title, "requests": requests})
    print(title, len(requests), file=sys.stderr)


record("token ids", plain, "local-completions", everything, 3, **completions)
record("token ids, four at a time, concurrent", plain, "local-completions", everything, 3, batch_size=4, num_concurrent=3, **completions)
begun["perplexity"] = plain["perplexity"][:2]  # hf doubles the begin token here with add_bos_token; the harness's clients do not
record("texts", begun, "local-completions", everything, 2, batch_size=2, tokenized_requests=False, **completions)
chat = dict(completions, base_url=f"{base}/chat/completions", tokenized_requests=False)
record("chat", run("hf", ["write"], 2, chat=True, add_bos_token=False, **hf), "local-chat-completions", ["write"], 2, chat=True, **chat)


def shorten(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, list):
        return [shorten(v) for v in value]
    return {k: shorten(v) for k, v in value.items()} if isinstance(value, dict) else value


versions = {"lm_eval": lm_eval.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
with open(os.path.join(folder, "requests.json"), "w") as f:
    json.dump({"made_by": "test/oracles/lm-eval.py", **versions, "groups": shorten(groups)}, f, ensure_ascii=False, separators=(",", ":"))
    f.write("\n")
for extra in ("generation_config.json",):
    if os.path.exists(os.path.join(folder, extra)):
        os.remove(os.path.join(folder, extra))
