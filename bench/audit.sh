#!/usr/bin/env bash
# Measures what the audit log costs on the data socket: a daemon that keeps one beside a daemon that keeps none, in turns, within the same minute.
# bench/README.md says how to read the table.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/audit.sh [--quick] [--binary PATH]
  --quick        one round of a second per cell, for CI
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

rounds=9 seconds=2
option() { [[ $1 == --quick ]] && rounds=1 seconds=1; }
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

tool=$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench
results=$work/results
declare -A daemons

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2
for mode in off bounded strict; do
  serve --dev --audit "$mode" --socket "$work/$mode.sock" --admin-socket "$work/$mode-admin.sock"
  daemons[$mode]=$!
  until_ready "${daemons[$mode]}" gives_a_data_key "$work/$mode.sock"
done

load() { # ROUND MODE OPERATION CONNECTIONS
  "$tool" load --target "$work/$2.sock" --protocol native --operation "$3" --connections "$4" --warmup 0.5 --duration "$seconds" \
    --server-pid "${daemons[$2]}" | sed "s/^protocol=[a-z]*/round=$1 protocol=$2/" >>"$results"
}

for ((round = 1; round <= rounds; round++)); do
  # Who comes second finds another machine: each goes first in every other round.
  order=(off bounded)
  ((round % 2)) || order=(bounded off)
  for operation in generate decrypt; do
    for connections in 1 16 64; do
      for mode in "${order[@]}" strict; do load "$round" "$mode" "$operation" "$connections"; done
    done
  done
done

for mode in bounded strict; do
  echo "--audit $mode beside --audit off:"
  echo
  awk -v subject="$mode" -v reference=off -f "$here/rounds.awk" -f "$here/table.awk" "$results"
  echo
done
echo "$rounds round(s) of $seconds s per cell on $(nproc) cores, shared with the client."
