#!/usr/bin/env bash
# Three seeds of the demo, and a control with permuted rewards: accuracy on held-out problems, sampled at temperature 1, must start between
# 5 % and 50 % and end at least 10 points higher with an interval that excludes zero; the control must not climb.
#   bash test/demo-seeds.sh [output folder] [seed ...]
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-runs/demo-seeds}")
shift || true
seeds=("${@:-}")
[ -n "${seeds[0]:-}" ] || seeds=(0 1 2)
node src/setup/setup.js --quiet
mkdir -p "$out"
for seed in "${seeds[@]}"; do
  node src/bin/midtrain.js demo --seed "$seed" --out "$out/seed-$seed" --json > "$out/seed-$seed.json"
done
# The control goes through the same seed, so it starts from the same model, bit for bit.
first=${seeds[0]}
node src/bin/midtrain.js demo --seed "$first" --shuffle-rewards --out "$out/shuffled" --json > "$out/shuffled.json"
node --input-type=module - "$out" "${seeds[@]}" <<'JS'
import { readFileSync } from 'node:fs';
const [out, ...seeds] = process.argv.slice(2);
const percent = (x) => `${(100 * x).toFixed(1)} %`;
let bad = 0;
const show = (name, file, good) => {
  const r = JSON.parse(readFileSync(`${out}/${file}.json`, 'utf8'));
  const ok = good(r);
  if (!ok) bad++;
  console.log(`${name}: ${percent(r.startAccuracy)} -> ${percent(r.endAccuracy)}, change ${percent(r.change)} (95 % ${percent(r.interval[0])} to ${percent(r.interval[1])}), ${r.minutes.toFixed(1)} minutes: ${ok ? 'as wanted' : 'NOT as wanted'}`);
};
for (const seed of seeds) show(`seed ${seed}`, `seed-${seed}`, (r) => r.startAccuracy >= 0.05 && r.startAccuracy <= 0.5 && r.change >= 0.1 && r.interval[0] > 0);
show('permuted rewards', 'shuffled', (r) => r.interval[0] <= 0.02);
process.exit(bad > 0 ? 1 : 0);
JS
