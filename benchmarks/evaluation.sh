#!/usr/bin/env bash
# The evaluation of all suites with three seeds, many hours of a core, in as many sittings and on as many machines as it takes:
#
#     benchmarks/evaluation.sh [MINUTES]
#
# goes on from the rows in benchmarks/rows.tar.xz, by default until it is through, and packs what is there by then. What
# a stop cuts off is a group of eight targets at most. Rows of one target and one seed are the same whoever runs them.
set -euo pipefail
cd "$(dirname "$0")/.."
out=out/evaluation rows=benchmarks/rows.tar.xz myna=.venv/bin/myna
agents=mean-preset,random,retrieval,regression,cloning,sac,cma-es,retrieval+cma-es,regression+cma-es,policy+cma-es
ends=$((SECONDS + 60 * ${1:-100000}))

pack() {
  find "$out/cells" -name '*.jsonl' -size +2k -printf 'cells/%f\n' | LC_ALL=C sort >"$out/list"
  tar --owner=0 --group=0 --mtime='2020-01-01' -cJf "$rows.new" -C "$out" evaluation.json -T "$out/list"
  mv "$rows.new" "$rows"
}

go_on() { # SEED, suites and budgets
  local left=$((ends - SECONDS))
  ((left > 0)) || return 0
  timeout --signal=INT "$left" "$myna" evaluate --out "$out" --no-report --processes "$(nproc)" \
    --agents "$agents" --first-seed "$1" --seeds "$(($1 + 1))" "${@:2}" >/dev/null || (($? == 124))
  pack
}

mkdir -p "$out"
[[ -d $out/cells || ! -f $rows ]] || tar -xJf "$rows" -C "$out"
for seed in 0 1 2; do
  for suite in stage-1 stage-2 stage-3 stage-4 stage-5 stage-6; do
    go_on "$seed" --suite "$suite" --limit 32 --budgets 1,16,64,256,1000 --measured-seeds 0
  done
  for suite in factory vital real; do
    go_on "$seed" --suite "$suite" --budgets 1,16,64,256,1000,2000 --measured-seeds 1
  done
done
