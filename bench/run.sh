#!/usr/bin/env bash
# Measures the published daemon against the reference server of the same
# minute and prints one Markdown table. bench/README.md says how to read it.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/run.sh [--quick] [--binary PATH]
  --quick        one round of a second per cell, for CI (half a minute)
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
binary=$root/artifacts/linux-x64/kms-sidecar
# Neighbours come and go: many short rounds tell more than one long one.
rounds=5 seconds=2 starts=5
while (($#)); do
  case $1 in
    --quick) rounds=1 seconds=1 starts=1 ;;
    --binary)
      (($# > 1)) || { usage >&2; exit 64; }
      binary=$(realpath -- "$2")
      shift
      ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
  esac
  shift
done
[[ -x $binary ]] || { echo "run.sh: no daemon at $binary: publish it, or name one with --binary" >&2; exit 66; }

work=$(mktemp -d)
tool=$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench
results=$work/results
reference_pid='' daemon_pid=''
cores=$(taskset --cpu-list --pid $$ | sed 's/.*: //')

is_running() { jobs -pr | grep -qx "$1"; }

# Ends one process that this script started: ten seconds to drain, then by force.
stop() {
  local pid=$1 tenths=100
  [[ -n $pid ]] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  while is_running "$pid" && ((tenths-- > 0)); do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  stop "$daemon_pid"
  stop "$reference_pid"
  if ((status != 0)) && [[ -s $work/daemon.log ]]; then
    echo "run.sh: failed; the daemon's last lines:" >&2
    tail -n 20 "$work/daemon.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Repeats a command until it succeeds, while the process lives and for at most 30 s.
until_ready() {
  local pid=$1 deadline=$((SECONDS + 30))
  shift
  until "$@"; do
    if ! is_running "$pid" || ((SECONDS >= deadline)); then
      echo "run.sh: not ready: $*" >&2
      return 1
    fi
    sleep 0.002
  done
}

gives_a_data_key() {
  curl --silent --fail --output /dev/null --unix-socket "$work/kms.sock" \
    --header 'Content-Type: application/json' --data '{}' http://localhost/v1/generate-data-key
}

start_reference() {
  "$work/reference" "$work/reference.sock" &
  reference_pid=$!
  until_ready "$reference_pid" test -S "$work/reference.sock"
}

# Sets daemon_pid and started_in (milliseconds to the first data key). The
# environment is emptied: no setting of this machine takes part.
start_daemon() {
  local begun=${EPOCHREALTIME/./}
  env -i PATH="$PATH" TMPDIR="$work" "$binary" serve --dev --listen none \
    --socket "$work/kms.sock" --admin-socket "$work/admin.sock" >"$work/daemon.log" 2>&1 &
  daemon_pid=$!
  until_ready "$daemon_pid" gives_a_data_key
  started_in=$(((${EPOCHREALTIME/./} - begun) / 1000))
}

resident_mb() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$daemon_pid/status"; }

# With one connection the scheduler lets client and server share a core in one
# run (13 us) and not in the next (80 us), so they are kept on a core each.
load() {
  local round=$1 protocol=$2 socket=$3 pid=$4 operation=$5 connections=$6
  local server_cores=$cores client_cores=$cores figures
  if ((connections == 1)); then
    server_cores=${cores%%[-,]*}
    client_cores=${cores##*[-,]}
  fi
  taskset --all-tasks --cpu-list --pid "$server_cores" "$pid" >/dev/null
  figures=$(taskset --cpu-list "$client_cores" "$tool" load --target "$socket" --protocol "$protocol" --operation "$operation" \
    --connections "$connections" --warmup 0.5 --duration "$seconds" --server-pid "$pid")
  echo "round=$round $figures" >>"$results"
}

cc -std=c11 -O2 -Wall -Wextra -Werror -pthread -o "$work/reference" "$here/reference/reference.c" -lcrypto
dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2

start_times=()
for ((i = 0; i < starts; i++)); do
  stop "$daemon_pid"
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

awk -f "$here/table.awk" "$results"
cat <<TEXT

Start to first data key $median_start ms, resident $idle_mb MB idle and $(resident_mb) MB after the load, binary $(($(stat -c %s "$binary") / 1000)) kB.
$rounds round(s) of $seconds s per cell on $(nproc) cores, shared with the client.
TEXT
