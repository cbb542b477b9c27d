#!/usr/bin/env bash
# Measures the published daemon against the reference server of the same
# minute and prints one Markdown table. bench/README.md says how to read it.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/run.sh [--quick] [--check] [--binary PATH]
  --quick        one round of a second per cell, for CI (half a minute)
  --check        fail when a ratio is so bad that no busy machine explains it
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

# Neighbours come and go: many short rounds tell more than one long one.
rounds=5 seconds=2 starts=5 check=
option() {
  case $1 in
    --quick) rounds=1 seconds=1 starts=1 ;;
    --check) check=1 ;;
    *) return 1 ;;
  esac
}
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

tool=$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench
results=$work/results
cores=$(taskset --cpu-list --pid $$ | sed 's/.*: //')

start_reference() {
  "$work/reference" "$work/reference.sock" &
  reference_pid=$!
  pids+=("$reference_pid")
  until_ready "$reference_pid" test -S "$work/reference.sock"
}

resident_mb() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$daemon_pid/status"; }

# With one connection the scheduler lets client and server share a core in one
# run (13 us) and not in the next (80 us), so they are kept on a core each.
load() {
  local round=$1 protocol=$2 socket=$3 pid=$4 operation=$5 connections=$6 batch=${7:-1}
  local server_cores=$cores client_cores=$cores figures
  if ((connections == 1)); then
    server_cores=${cores%%[-,]*}
    client_cores=${cores##*[-,]}
  fi
  taskset --all-tasks --cpu-list --pid "$server_cores" "$pid" >/dev/null
  figures=$(taskset --cpu-list "$client_cores" "$tool" load --target "$socket" --protocol "$protocol" --operation "$operation" \
    --batch "$batch" --connections "$connections" --warmup 0.5 --duration "$seconds" --server-pid "$pid")
  echo "round=$round $figures" >>"${8:-$results}"
}

cc -std=c11 -O2 -Wall -Wextra -Werror -pthread -o "$work/reference" "$here/reference/reference.c" -lcrypto
dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2

start_times=()
for ((i = 0; i < starts; i++)); do
  [[ -z $daemon_pid ]] || stop "$daemon_pid"
  start_daemon
  start_times+=("$started_in")
done
median_start=$(printf '%s\n' "${start_times[@]}" | sort -n | sed -n "$((starts / 2 + 1))p")
idle_mb=$(resident_mb)

start_reference
for ((round = 1; round <= rounds; round++)); do
  for operation in generate decrypt; do
    for connections in 1 16 64; do
      load "$round" reference "$work/reference.sock" "$reference_pid" "$operation" "$connections"
      load "$round" native "$work/kms.sock" "$daemon_pid" "$operation" "$connections"
    done
  done
done

# Right after one another: what a batch gains is a ratio, too.
for ((round = 1; round <= rounds; round++)); do
  load "$round" reference "$work/reference.sock" "$reference_pid" generate 16 1 "$results.batch"
  load "$round" native "$work/kms.sock" "$daemon_pid" generate 16 16 "$results.batch"
done
batch_gain=$(sed -nE 's/.* keys_per_s=([0-9]+).*/\1/p' "$results.batch" | paste -d' ' - - | awk '{ printf "%.2f\n", $2 / $1 }' | sort -n | sed -n "$((rounds / 2 + 1))p")

awk -v subject=native -v reference=reference -f "$here/rounds.awk" -f "$here/table.awk" "$results"
cat <<TEXT

In batches of 16 at 16 connections $batch_gain times the reference's data keys per second.
Start to first data key $median_start ms, resident $idle_mb MB idle and $(resident_mb) MB after the load, binary $(($(stat -c %s "$binary") / 1000)) kB.
$rounds round(s) of $seconds s per cell on $(nproc) cores, shared with the client.
TEXT

# Half of what a quiet machine shows, and below that of a busy one.
if [[ -n $check ]]; then
  awk -f "$here/check.awk" "$results" || { echo "bench/run.sh: slower than any noise explains; see the table" >&2; exit 1; }
fi
