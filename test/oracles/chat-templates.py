"""Chat templates as transformers renders and tokenises them: writes test/fixtures/chat-templates.json.

    /path/to/python test/oracles/chat-templates.py        # transformers 5, tokenizers, jinja2

The templates are written for this test, in the manner of those that are in use: ChatML, Llama 3 (headers, trimmed contents, a date), Qwen 2.5
(a system message of its own where there is none), a template that must see user and assistant take turns, one that cuts reasoning off, and one
that uses the language's corners. The tokenizer is a byte-level BPE trained here on a few sentences.
"""
import datetime
import json
import os

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2025, 1, 1)


chat_template_utils.datetime = FixedDate

TEXT = ["The sum of two and two is four.", "What is the sum? The answer is 12.", "assistant user system I am a helpful", " \n\n  "] * 40
SPECIALS = ["<|endoftext|>", "<|begin|>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "</s>"]

raw = Tokenizer(models.BPE())
raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
raw.decoder = decoders.ByteLevel()
raw.train_from_iterator(
    TEXT,
    trainers.BpeTrainer(
        vocab_size=330,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(t, special=True, normalized=False, rstrip=t == "</s>") for t in SPECIALS],
        show_progress=False,
    ),
)
raw.add_tokens([AddedToken("<think>", special=False, normalized=False), AddedToken("</think>", special=False, normalized=False)])

TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama-3": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = strftime_now("%d %b %Y") %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: tools\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen-2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n# Tools' }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "turns": """{{ bos_token }}{% for message in messages %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {% endif %}
    {% if message['role'] == 'user' %}
[INST] {{ message['content'].strip() }} [/INST]
    {% else %}
 {{ message['content'].strip() }}{{ eos_token }}
    {% endif %}
{% endfor %}""",
    "reasoning": """{%- set ns = namespace(last_user=-1, seen=false) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last_user = loop.index0 %}{% endif %}{% endfor %}
{%- for message in messages %}
{%- set content = message.content %}
{%- if message.role == 'assistant' and '</think>' in content and loop.index0 < ns.last_user %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
<|im_start|>{{ message.role }}
{{ content }}<|im_end|>
{% endfor %}""",
    "corners": """{% macro turn(role, content) %}[{{ role | upper }}|{{ content | length }}]{{ content }}{% endmacro %}
{# a comment #}
{%- for message in messages | rejectattr('role', 'equalto', 'system') -%}
  {%- set label = {'user': 'U', 'assistant': 'A'}.get(message.role, '?') -%}
  {{ loop.index }}/{{ loop.length }} {{ turn(label, message['content'] | replace('\\n', ' ')) }}{{ ', ' if not loop.last else '.' }}
{%- endfor %}
{{ messages | map(attribute='role') | join('-') }} {{ (messages | length > 1) and true }} {{ 7 // 2 }} {{ 'x' if false else 'y' ~ 1 }} {{ {'a': [1, 'b', none, true]} | tojson }}
{% generation %}kept{% endgeneration %}
  {% if messages[-1].content.startswith('T') and messages | last is mapping %}  indented
  {% endif %}
end
""",
}

TALKS = {
    "one turn": [{"role": "user", "content": "What is the sum?"}, {"role": "assistant", "content": "The answer is 12."}],
    "system and spaces": [
        {"role": "system", "content": "  I am a helpful assistant \n"},
        {"role": "user", "content": "\n\n two and two\t"},
        {"role": "assistant", "content": "four. \n"},
        {"role": "user", "content": "The sum of ünï — 数 ?"},
        {"role": "assistant", "content": "The answer"},
    ],
    "reasoning": [
        {"role": "user", "content": "What is the sum?"},
        {"role": "assistant", "content": "<think>\ntwo and two\n</think>\n\nfour."},
        {"role": "user", "content": "What?"},
        {"role": "assistant", "content": "<think>\nagain\n</think>\n\nThe answer is four."},
    ],
    "tool": [
        {"role": "user", "content": "The sum"},
        {"role": "tool", "content": "4"},
        {"role": "tool", "content": "{\"x\": 12}"},
        {"role": "assistant", "content": "four"},
    ],
    "empty contents": [{"role": "user", "content": ""}, {"role": "assistant", "content": " "}],
    "user twice": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    "edges of tokens": [{"role": "user", "content": "> quoted <"}, {"role": "assistant", "content": "end|> or <|im_"}],
    "other angles": [{"role": "user", "content": "is 1 < 2 | 3 > 2 ?"}, {"role": "assistant", "content": "a<b and x|>y, <|not_a_token|>"}],
}


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<|begin|>", eos_token="</s>", pad_token="<|endoftext|>")
    cases = []
    for name, template in TEMPLATES.items():
        for talk, messages in TALKS.items():
            case = {"template": name, "talk": talk}
            try:
                text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False)
                case["text"] = text
                case["ids"] = tokenizer(text, add_special_tokens=False)["input_ids"]
            except Exception as error:  # what the template raised
                case["error"] = type(error).__name__
            cases.append(case)
    fixture = {
        "transformers": transformers.__version__,
        "tokenizer": json.loads(raw.to_str()),
        "config": {"bos_token": "<|begin|>", "eos_token": {"content": "</s>", "__type": "AddedToken"}, "pad_token": "<|endoftext|>"},
        "templates": TEMPLATES,
        "talks": TALKS,
        "cases": cases,
    }
    path = os.path.join(os.path.dirname(__file__), "..", "fixtures", "chat-templates.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(fixture, file, ensure_ascii=False, indent=1)
        file.write("\n")
    print(len(cases), "cases,", sum("error" in c for c in cases), "raise")


main()
