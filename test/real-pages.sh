#!/usr/bin/env bash
# The whole way on real pages: filter over ../shared/data, a mixture with real QA, long chains of thought and instructions at 30 % QA,
# both training phases with falling held-out loss, GRPO, the report. Takes about 5 minutes on two cores with lavapipe.
#   bash test/real-pages.sh [output folder]
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(cd .. && pwd)/shared/data
out=$(realpath -m "${1:-runs/real-pages}")
if [ ! -d "$data/html-math" ]; then
  echo "real-pages: skipped, $data is not there"
  exit 0
fi
node src/setup/setup.js --quiet
midtrain() { node src/bin/midtrain.js "$@"; }
mkdir -p "$out"

cat > "$out/mixture.yaml" <<YAML
name: real
tokenizer: { train: { vocabSize: 1024, preTokenizer: digits, specialTokens: ['<|endoftext|>'] } }
budget: 1M
sequenceLength: 128
heldout: 0.05
seed: 1
repeatLimit: 8
fill: web
sources:
  web: { role: web, data: filter/kept, template: text, columns: { id: id, url: url, text: text }, weight: 0.6 }
  gsm8k: { card: gsm8k, data: $data/math-qa/gsm8k-train.jsonl, weight: 0.2 }
  marco:
    role: long-cot
    data: $data/long-cot/marco-o1-cot-demo.json
    template: question-think
    columns:
      question: instruction
      reasoning: { column: response, between: ['<Thought>', '</Thought>'] }
      answer: { column: response, between: ['<Output>', '</Output>'] }
    weight: 0.05
  instruct:
    role: instruction
    data: $data/instruct/instruction-data-1100.json
    template: user-assistant
    columns: { question: [instruction, input], answer: output }
    weight: 0.1
YAML
cat > "$out/train.yaml" <<YAML
name: real
out: $out/train
data: $out/mix
model: { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 176, max_position_embeddings: 1024 }
sequence_length: 128
micro_batch_size: 16
document_mask: true
stable: { steps: 200, learning_rate: 3.0e-3, warmup_steps: 20 }
decay: { steps: 80, learning_rate: 3.0e-3, decay: cosine, min_lr_ratio: 0.1 }
eval_every: 40
eval_sequences: 16
checkpoint_every: 200
YAML

echo "== filter"
midtrain filter math-web --input "$data/html-math" --input "$data/html-math-plain" --input "$data/html-other" --input "$data/web-text" --out "$out/filter" --dropped
echo "== mix"
(cd "$out" && node "$OLDPWD/src/bin/midtrain.js" mix mixture.yaml --qa-ratio 0.3 --out mix)
echo "== train"
midtrain train "$out/train.yaml" --phase stable
midtrain train "$out/train.yaml" --phase decay
decayed=$(ls -d "$out"/train/decay/checkpoints/* | tail -n 1)
cat > "$out/grpo.yaml" <<YAML
name: real-grpo
out: $out/grpo
model: $decayed
problems: $data/math-qa/gsm8k-train.jsonl
eval_problems: $data/math-qa/gsm8k-test-even.jsonl
template: complex
prompt_prefix: none
steps: 4
prompts_per_step: 8
num_generations: 8
mini_batch_prompts: 4
schedule: { learning_rate: 1.0e-4, warmup_steps: 1 }
max_prompt_length: 300
max_completion_length: { 0: 64, 2: 96 }
micro_batch_size: 4
pack_length: 400
eval_every: 4
eval_count: 64
YAML
echo "== grpo"
midtrain grpo "$out/grpo.yaml"
echo "== report"
midtrain report "$out/filter" "$out/mix" "$out/train/stable" "$out/train/decay" "$out/grpo" --out "$out/report.html" --title "Real pages, the whole way"
