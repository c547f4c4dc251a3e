"""Holds a folder of `midtrain export nanotron` against Nanotron's and datatrove's own classes.

    python test/oracles/nanotron-export.py FOLDER

Prints one JSON object: versions; for every YAML whether Nanotron's config class takes it (whole where the installed Nanotron has data_stages; release 0.4 on PyPI
has not, so there section by section, and the keys it does not know are listed), the global batch it computes, and the learning rates that its own
scheduler gives at every step; for every dataset folder what datatrove's DatatroveFolderDataset reads (windows, first tokens), and whether
AutoTokenizer loads the name in its metadata with the vocabulary the YAML says.
Needs nanotron, dacite, pyyaml, torch, datatrove, transformers (CPU builds).
"""
import dataclasses
import glob
import json
import os
import sys

import yaml

folder = os.path.abspath(sys.argv[1])
result = {'versions': {}, 'configs': {}, 'folders': {}, 'failed': {}}
for package in ('nanotron', 'dacite', 'torch', 'datatrove', 'transformers'):
    try:
        from importlib.metadata import version
        result['versions'][package] = version(package)
    except Exception:
        result['versions'][package] = None


def import_nanotron():
    """Release 0.4 cannot be imported: its logging and its config import each other. With a stand-in for its logging the rest can."""
    try:
        import nanotron.config.config  # noqa: F401
        import nanotron.helpers  # noqa: F401
        return 'as it is'
    except ImportError:
        for name in [name for name in sys.modules if name.startswith('nanotron')]:
            del sys.modules[name]
    import logging
    import types
    stand_in = types.ModuleType('nanotron.logging')
    for name in ('log_rank', 'warn_once', 'human_format', 'log_memory', 'set_ranks_logging_level', 'LoggerWriter', 'LogItem'):
        setattr(stand_in, name, lambda *given, **named: None)
    stand_in.get_logger = logging.getLogger
    for level in ('INFO', 'DEBUG', 'WARNING', 'ERROR'):
        setattr(stand_in, level, getattr(logging, level))
    sys.modules['nanotron.logging'] = stand_in
    import nanotron.config.config  # noqa: F401
    import nanotron.helpers  # noqa: F401
    return 'with a stand-in for nanotron.logging'


def build(data_class, data, unknown, path, **given):
    """data_class from a mapping, strictly, but for keys that this version does not have."""
    import torch
    from dacite import Config as Strict, from_dict
    from nanotron.config.config import cast_str_to_pipeline_engine, cast_str_to_torch_dtype
    from nanotron.parallel.pipeline_parallel.engine import PipelineEngine
    from nanotron.parallel.tensor_parallel.nn import TensorParallelLinearMode
    names = {field.name for field in dataclasses.fields(data_class)}
    unknown.extend(f'{path}.{key}' for key in data if key not in names)
    hooks = {torch.dtype: cast_str_to_torch_dtype, PipelineEngine: cast_str_to_pipeline_engine, TensorParallelLinearMode: lambda x: TensorParallelLinearMode[x.upper()]}
    return from_dict(data_class, {key: value for key, value in data.items() if key in names} | given, Strict(type_hooks=hooks, strict=True))


def load(path):
    import torch
    from nanotron.config import config as c
    from nanotron.config.models_config import LlamaConfig
    from nanotron.helpers import lr_scheduler_builder
    raw = yaml.load(open(path), Loader=yaml.SafeLoader)
    unknown = []
    if 'data_stages' in {field.name for field in dataclasses.fields(c.Config)}:
        config = c.get_config_from_file(path)
        rates, tokens, batch, whole = config.optimizer.learning_rate_scheduler, config.tokens, config.global_batch_size, True
    else:
        whole = False
        build(c.GeneralArgs, raw['general'], unknown, 'general')
        build(c.LoggingArgs, raw['logging'], unknown, 'logging')
        build(c.TokenizerArgs, raw['tokenizer'], unknown, 'tokenizer')
        build(c.CheckpointsArgs, {k: v for k, v in raw['checkpoints'].items() if not k.endswith('_path')}, unknown, 'checkpoints',
              checkpoints_path=__import__('pathlib').Path(raw['checkpoints']['checkpoints_path']))
        if 'is_llama_config' in raw['model']['model_config']:
            build(LlamaConfig, raw['model']['model_config'], unknown, 'model.model_config')
        parallel = build(c.ParallelismArgs, raw['parallelism'], unknown, 'parallelism')
        tokens = build(c.TokensArgs, raw['tokens'], unknown, 'tokens')
        rates = build(c.LRSchedulerArgs, raw['optimizer']['learning_rate_scheduler'], unknown, 'rates')
        batch = tokens.micro_batch_size * tokens.batch_accumulation_per_replica * parallel.dp
    weight = torch.nn.Parameter(torch.zeros(1))

    class Optimizer(torch.optim.SGD):
        def get_base_optimizer(self):
            return self

    optimizer = Optimizer([weight], lr=rates.learning_rate)
    scheduler = lr_scheduler_builder(optimizer, rates, tokens.train_steps)
    curve = []
    for _ in range(tokens.train_steps):
        curve.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return {'whole': whole, 'unknown': unknown, 'batch': batch, 'rates': curve}


def read(stage_dataset, path, sequence_length):
    from datatrove.utils.dataset import DatatroveFolderDataset
    from transformers import AutoTokenizer
    names = {open(file).readline().strip() for file in glob.glob(os.path.join(path, '*.metadata'))}
    (first,) = names
    name, size = first.split('|')
    dataset = DatatroveFolderDataset(path, sequence_length, filename_pattern='*.ds', token_size=int(size), recursive=False, shuffle=False)
    tokenizer = AutoTokenizer.from_pretrained(name)
    return {
        'windows': len(dataset), 'window_tokens': len(dataset[0]['input_ids']), 'first': dataset[0]['input_ids'][:8].tolist(), 'token_size': int(size),
        'tokenizer': name, 'vocab_size': len(tokenizer), 'yaml_vocab_size': stage_dataset['vocab_size'], 'yaml_token_size': stage_dataset['token_size_in_bytes'],
    }


try:
    result['imported'] = import_nanotron()
except Exception as error:
    result['failed']['import nanotron'] = f'{type(error).__name__}: {error}'[:600]
for path in sorted(glob.glob(os.path.join(folder, '*.yaml'))):
    try:
        result['configs'][os.path.basename(path)] = load(path)
    except Exception as error:
        result['failed'][os.path.basename(path)] = f'{type(error).__name__}: {error}'[:600]
    raw = yaml.load(open(path), Loader=yaml.SafeLoader)
    for stage in raw['data_stages']:
        dataset = stage['data']['dataset']
        for name in dataset['dataset_folder']:
            try:
                result['folders'][name] = read(dataset, name, raw['tokens']['sequence_length'])
            except Exception as error:
                result['failed'][name] = f'{type(error).__name__}: {error}'[:600]
print(json.dumps(result))
