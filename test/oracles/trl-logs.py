"""A real GRPO run of TRL, as it logs: test/fixtures/trl-logs/{trainer_state.json,printed.log,events.out.tfevents.1}.

    /path/to/python test/oracles/trl-logs.py ../shared/data/tokenizers/gpt2        # trl, transformers, datasets, tensorboard; half a minute on a CPU

A random model of two layers is rewarded for odd lengths: what it learns does not matter, only how it is logged, three times over.
"""
import contextlib
import glob
import os
import shutil
import sys
import tempfile

import torch
from datasets import Dataset
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

torch.manual_seed(0)
folder = sys.argv[1]
bpe = ByteLevelBPETokenizer(os.path.join(folder, "encoder.json"), os.path.join(folder, "vocab.bpe"))
end = "<|endoftext|>"
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token=end, pad_token=end)
sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, **sizes))


def accuracy_reward(completions, **_):
    return [float(len(text) % 2) for text in completions]


data = Dataset.from_dict({"prompt": [f"What is {i} plus {i}?" for i in range(64)]})
fixtures = os.path.join(os.path.dirname(__file__), "..", "fixtures", "trl-logs")
shutil.rmtree(fixtures, ignore_errors=True)
os.makedirs(fixtures)
with tempfile.TemporaryDirectory() as out:
    config = GRPOConfig(
        output_dir=out, per_device_train_batch_size=8, per_device_eval_batch_size=8, num_generations=4, max_completion_length=6,
        max_steps=12, logging_steps=1, eval_strategy="steps", eval_steps=4, save_steps=12, report_to="tensorboard", use_cpu=True, bf16=False,
        learning_rate=1e-3,
    )  # fmt: skip
    with open(os.path.join(fixtures, "printed.log"), "w") as printed, contextlib.redirect_stdout(printed):
        GRPOTrainer(
            model=model, processing_class=tokenizer, reward_funcs=accuracy_reward, args=config, train_dataset=data, eval_dataset=data.select(range(8))
        ).train()
    shutil.copy(os.path.join(out, "checkpoint-12", "trainer_state.json"), fixtures)
    shutil.copy(glob.glob(os.path.join(out, "runs", "*", "events*"))[0], os.path.join(fixtures, "events.out.tfevents.1"))
print({name: os.path.getsize(os.path.join(fixtures, name)) for name in os.listdir(fixtures)})
