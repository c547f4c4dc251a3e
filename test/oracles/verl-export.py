"""Holds a folder of `midtrain export verl` against verl's own loaders.

    python test/oracles/verl-export.py FOLDER [PROMPTS.json]

Prints one JSON object: versions; the stages that verl's configuration loader (Hydra, verl/trainer/config/ppo_trainer.yaml) composes from the arguments
run.sh gives it, each with the values asked for; what verl's RLHFDataset reads from both Parquet files; whether its prompts' token ids are those of
PROMPTS.json ({"train": [[ids]], "test": [[ids]]}, as midtrain encodes them); what reward.py says when verl loads it; whether stop_agent.py loads.
Needs verl with hydra-core, tensordict, datasets, transformers and torch (CPU builds); what is missing is said by name.
"""
import json
import os
import subprocess
import sys
import tempfile

folder = os.path.abspath(sys.argv[1])
result = {'versions': {}, 'failed': {}}


def attempt(name):
    def run(work):
        try:
            result[name] = work()
        except Exception as error:
            result['failed'][name] = f'{type(error).__name__}: {error}'[:600]
    return run


def launches():
    """Arguments of every launch of run.sh, caught by a python3 that prints them."""
    with tempfile.TemporaryDirectory() as bin_folder:
        log = os.path.join(bin_folder, 'log')
        stub = os.path.join(bin_folder, 'python3')
        with open(stub, 'w') as out:
            out.write(f'#!/bin/bash\nprintf "%s\\0" "$@" >> {log}\nprintf "\\0" >> {log}\n')
        os.chmod(stub, 0o755)
        subprocess.run(['bash', os.path.join(folder, 'run.sh')], check=True, env={**os.environ, 'PATH': bin_folder + ':' + os.environ['PATH']})
        text = open(log).read()
    return [launch.split('\0')[2:] for launch in text.split('\0\0') if launch]


for package in ('verl', 'transformers', 'torch', 'pyarrow', 'datasets', 'hydra-core', 'omegaconf'):
    try:
        from importlib.metadata import version
        result['versions'][package] = version(package)
    except Exception:
        result['versions'][package] = None

composed = []


def plain(value):
    return list(value) if type(value).__name__ == 'ListConfig' else value


@attempt('stages')
def stages():
    import verl.trainer
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf
    with initialize_config_dir(config_dir=os.path.join(os.path.dirname(verl.trainer.__file__), 'config'), version_base=None):
        for overrides in launches():
            composed.append(compose(config_name='ppo_trainer', overrides=overrides))
    pick = {
        'steps': 'trainer.total_training_steps', 'response': 'data.max_response_length', 'rollout_response': 'actor_rollout_ref.rollout.response_length',
        'batch': 'data.train_batch_size', 'mini': 'actor_rollout_ref.actor.ppo_mini_batch_size', 'n': 'actor_rollout_ref.rollout.n',
        'loss': 'actor_rollout_ref.actor.loss_agg_mode', 'clip_c': 'actor_rollout_ref.actor.clip_ratio_c',
        'template': 'actor_rollout_ref.model.custom_chat_template', 'betas': 'actor_rollout_ref.actor.optim.betas', 'lr': 'actor_rollout_ref.actor.optim.lr',
        'before': 'trainer.val_before_train', 'keep': 'trainer.max_actor_ckpt_to_keep',
    }
    return [{name: plain(OmegaConf.select(c, key)) for name, key in pick.items()} for c in composed]


@attempt('dataclasses')
def dataclasses():
    """The sections as verl's workers build them, with their own checks."""
    from verl.utils.config import omega_conf_to_dataclass
    out = []
    for config in composed:
        built = [type(omega_conf_to_dataclass(section)).__name__ for section in (
            config.actor_rollout_ref.actor, config.actor_rollout_ref.actor.optim, config.actor_rollout_ref.rollout, config.algorithm)]
        out.append(built)
    return out


@attempt('validated')
def validated():
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import validate_config
    for config in composed:
        validate_config(config=config, use_reference_policy=need_reference_policy(config), use_critic=need_critic(config))
    return len(composed)


@attempt('rows')
def rows():
    from omegaconf import OmegaConf
    from transformers import AutoTokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset
    config = composed[0]
    tokenizer = AutoTokenizer.from_pretrained(config.actor_rollout_ref.model.path)
    template = config.actor_rollout_ref.model.custom_chat_template
    if template is not None:
        tokenizer.chat_template = template
    wanted = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else None
    out = {}
    for name, files in (('train', config.data.train_files), ('test', config.data.val_files)):
        data = OmegaConf.create(OmegaConf.to_container(config.data, resolve=False) | {'tool_config_path': None, 'function_tool_path': None,'filter_overlong_prompts': True, 'cache_dir': tempfile.mkdtemp(),
            'max_prompt_length': config.data.max_prompt_length})
        kept = len(RLHFDataset(files, tokenizer, data))
        data.filter_overlong_prompts = False
        dataset = RLHFDataset(files, tokenizer, data)
        item = dataset[0]
        ids = [list(tokenizer.apply_chat_template(row['prompt'], add_generation_prompt=True, tokenize=True, return_dict=False)) for row in dataset.dataframe]
        out[name] = {
            'rows': len(dataset), 'kept_by_length': kept, 'keys': sorted(item), 'data_source': item['data_source'], 'index': int(item['index']),
            'ground_truth': item['reward_model']['ground_truth'], 'longest': max(map(len, ids)),
            'same_ids': None if wanted is None else ids == wanted[name],
        }
    return out


@attempt('reward')
def reward():
    from verl.trainer.ppo.reward import get_custom_reward_fn
    score = get_custom_reward_fn(composed[0])
    return [score(data_source='x', solution_str=text, ground_truth='1/2', extra_info={}) for text in ('so \\boxed{0.5}', 'so \\boxed{2}', 'none')]


@attempt('agent')
def agent():
    if not os.path.exists(os.path.join(folder, 'stop_agent.py')):
        return None
    from hydra.utils import get_class
    from omegaconf import OmegaConf
    sys.path.insert(0, folder)
    (entry,) = OmegaConf.load(os.path.join(folder, 'agent_loops.yaml'))
    return [entry.name, get_class(entry._target_).__mro__[1].__name__]


print(json.dumps(result))
