"""
Losses, gradients, metrics and advantages of TRL's GRPOTrainer on fixed tensors, for test/trainer/trl-losses.test.ts.

    python -m venv venv && venv/bin/pip install torch transformers trl
    venv/bin/python test/oracles/trl-losses.py test/fixtures/trl-losses.json

What computes is TRL: GRPOTrainer._compute_loss is called on an object that has the attributes it reads and no model (its log-probabilities come
from given logits by TRL's own helpers), and the lines of _generate_and_score_completions that turn rewards into advantages are executed as they
stand in TRL's source. In float64. The version is in the fixture.
"""

import inspect
import json
import sys
import textwrap
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import entropy_from_logits, nanstd, selective_log_softmax

torch.set_default_dtype(torch.float64)


class Accelerator:
    """One process."""

    num_processes = 1
    sync_gradients = True

    def gather(self, x):
        return x

    def reduce(self, x, reduction="sum"):
        return x


def compute(case, tensors):
    """TRL's loss on logits that are a leaf: the loss, its gradients, what it logs."""
    logits = tensors["logits"].clone().requires_grad_()
    ids = tensors["ids"]
    logps = selective_log_softmax(logits, ids)
    logps.retain_grad()
    entropies = entropy_from_logits(logits)
    metrics = {"train": defaultdict(list), "eval": defaultdict(list)}
    trainer = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (logps, entropies, None),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level=case["importance_sampling_level"],
        beta=case["beta"],
        loss_type=case["loss_type"],
        epsilon_low=case["epsilon"],
        epsilon_high=case["epsilon_high"],
        args=SimpleNamespace(
            use_bias_correction_kl=case["use_bias_correction_kl"],
            delta=case["delta"],
            steps_per_generation=case["updates"],
        ),
        use_vllm=False,
        vllm_importance_sampling_correction=False,
        model=SimpleNamespace(training=True),
        current_gradient_accumulation_steps=1,
        max_completion_length=case["max_completion_length"],
        accelerator=Accelerator(),
        _entropy_bonus_enabled=case["entropy_coef"] != 0,
        use_adaptive_entropy=False,
        entropy_coef=case["entropy_coef"],
        _metrics=metrics,
    )
    mask = tensors["mask"]
    inputs = {
        "prompt_ids": ids[:, :1],
        "prompt_mask": mask[:, :1] * 0 + 1,
        "completion_ids": ids,
        "completion_mask": mask,
        "advantages": tensors["advantages"],
        "old_per_token_logps": tensors["old"],
        "ref_per_token_logps": tensors["reference"],
        "num_items_in_batch": torch.tensor(float(case["items_in_batch"])),
    }
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    return {
        "loss": loss.item(),
        "logp_gradient": logps.grad.tolist(),
        "logit_gradient": logits.grad.tolist(),
        "metrics": {name: values[0] for name, values in metrics["train"].items()},
    }


def advantages(rewards, num_generations, scale, aggregation, weights):
    """Executes TRL's lines from rewards to advantages; `rewards`: rows of one value a function, None where it gave none."""
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    begin = source.index("        unscorable_mask = torch.isnan(rewards_per_func)")
    end = source.index("        # Slice to keep only the local part of the data")
    per_function = torch.tensor([[float("nan") if r is None else r for r in row] for row in rewards])
    scope = {
        "self": SimpleNamespace(
            multi_objective_aggregation=aggregation,
            reward_weights=torch.tensor(weights),
            scale_rewards=scale,
            reward_funcs=[None] * len(weights),
        ),
        "torch": torch,
        "nanstd": nanstd,
        "rewards_per_func": per_function,
        "num_generations": num_generations,
        "device": "cpu",
    }
    exec(textwrap.dedent(source[begin:end]), scope)
    return scope["advantages"].tolist()


def main(out):
    random = torch.Generator().manual_seed(20250625)
    batch, length, vocabulary = 4, 5, 3

    def normal(*shape):
        return torch.randn(*shape, generator=random)

    logits = normal(batch, length, vocabulary)
    ids = torch.randint(0, vocabulary, (batch, length), generator=random)
    logps = selective_log_softmax(logits, ids)
    lengths = torch.tensor([5, 3, 4, 2])
    tensors = {
        "logits": logits,
        "ids": ids,
        # Far enough that ratios leave the clip on both sides and pass delta.
        "old": logps + 0.45 * normal(batch, length),
        "reference": logps + 0.7 * normal(batch, length),
        "mask": (torch.arange(length)[None] < lengths[:, None]).long(),
        "advantages": torch.tensor([1.2, -0.7, -1.1, 0.4]),
    }
    masked = {**tensors, "mask": tensors["mask"] * torch.tensor([1, 0, 1, 1])[:, None]}
    base = {
        "loss_type": "dapo",
        "importance_sampling_level": "token",
        "epsilon": 0.2,
        "epsilon_high": 0.2,
        "delta": None,
        "beta": 0.0,
        "use_bias_correction_kl": True,
        "entropy_coef": 0.0,
        "max_completion_length": 8,
        "updates": 1,
        "items_in_batch": 14,
        "masked": False,
    }
    variants = [{"loss_type": kind, **more} for kind in ["grpo", "bnpo", "dr_grpo", "dapo"] for more in [
        {},
        {"epsilon_high": 0.28, "delta": 1.5},
        {"beta": 0.04},
        {"beta": 0.3, "use_bias_correction_kl": False, "entropy_coef": 0.01},
        {"importance_sampling_level": "sequence", "epsilon": 0.05, "epsilon_high": 0.1},
        {"importance_sampling_level": "sequence", "epsilon": 0.05, "epsilon_high": 0.1, "beta": 0.2},
        {"masked": True, "entropy_coef": 0.02, "items_in_batch": 11},
    ]]
    variants.append({"updates": 3, "items_in_batch": 61})
    variants.append({"importance_sampling_level": "sequence", "epsilon": 0.02, "epsilon_high": 0.03, "delta": 1.05, "loss_type": "grpo"})
    cases = []
    for variant in variants:
        case = {**base, **variant}
        cases.append({**case, "expected": compute(case, masked if case["masked"] else tensors)})
    tables = []
    for scale in ["group", "batch", "none"]:
        tables.append({"scale_rewards": scale, "multi_objective_aggregation": "sum_then_normalize", "weights": [1.0],
                       "num_generations": 3, "rewards": [[1.0], [-1.0], [1.0], [None], [0.5], [2.0], [0.25], [0.25], [0.25], [None], [3.0], [None], [None], [None], [None]]})
    tables.append({"scale_rewards": "group", "multi_objective_aggregation": "normalize_then_sum", "weights": [1.0, 0.5],
                   "num_generations": 3, "rewards": [[1.0, 0.2], [-1.0, None], [1.0, 0.6], [None, 0.1], [0.5, 0.3], [2.0, 0.2], [None, None], [0.25, 1.0], [0.25, 1.5]]})
    for table in tables:
        table["expected"] = advantages(table["rewards"], table["num_generations"], table["scale_rewards"], table["multi_objective_aggregation"], table["weights"])
    fixture = {
        "made_by": "test/oracles/trl-losses.py",
        "trl": trl.__version__,
        "torch": torch.__version__,
        "tensors": {name: value.tolist() for name, value in tensors.items()},
        "losses": cases,
        "advantages": tables,
    }
    text = json.dumps(rounded(fixture))
    # One case a line, for readers of diffs.
    for key in ('{"loss_type"', '{"scale_rewards"'):
        text = text.replace(f"{key}", f"\n{key}")
    with open(out, "w") as file:
        file.write(text + "\n")


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return value


main(sys.argv[1])
