#!/usr/bin/env bash
# Changes the configuration of the published daemon thousands of times while 16
# connections generate and decrypt. bench/README.md says how to read it.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/swaps.sh [--quick] [--binary PATH] [N]
  N              configuration changes; default 10000
  --quick        500 changes and a short run without, for CI
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
binary=$root/artifacts/linux-x64/kms-sidecar
swaps=10000 baseline=15 limit=900
while (($#)); do
  case $1 in
    --quick) swaps=500 baseline=3 limit=120 ;;
    --binary)
      (($# > 1)) || { usage >&2; exit 64; }
      binary=$(realpath -- "$2")
      shift
      ;;
    --help) usage; exit 0 ;;
    *[!0-9]* | '') usage >&2; exit 64 ;;
    *) swaps=$1 ;;
  esac
  shift
done
[[ -x $binary ]] || { echo "swaps.sh: no daemon at $binary: publish it, or name one with --binary" >&2; exit 66; }

work=$(mktemp -d)
daemon_pid=''

is_running() { jobs -pr | grep -qx "$1"; }

clean_up() {
  local status=$? tenths=100
  trap - EXIT INT TERM
  if [[ -n $daemon_pid ]]; then
    kill -TERM "$daemon_pid" 2>/dev/null || true
    while is_running "$daemon_pid" && ((tenths-- > 0)); do sleep 0.1; done
    kill -KILL "$daemon_pid" 2>/dev/null || true
    wait "$daemon_pid" 2>/dev/null || true
  fi
  if ((status != 0)) && [[ -s $work/daemon.log ]]; then
    echo "swaps.sh: failed; the daemon's last lines:" >&2
    tail -n 20 "$work/daemon.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2

# The environment is emptied: no setting of this machine takes part.
env -i PATH="$PATH" TMPDIR="$work" "$binary" serve --dev --listen none \
  --socket "$work/kms.sock" --admin-socket "$work/admin.sock" >"$work/daemon.log" 2>&1 &
daemon_pid=$!
deadline=$((SECONDS + 30))
until curl --silent --fail --output /dev/null --unix-socket "$work/kms.sock" \
  --header 'Content-Type: application/json' --data '{}' http://localhost/v1/generate-data-key; do
  if ! is_running "$daemon_pid" || ((SECONDS >= deadline)); then
    echo "swaps.sh: the daemon is not ready" >&2
    exit 1
  fi
  sleep 0.05
done

"$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench" swaps \
  --data-socket "$work/kms.sock" --admin-socket "$work/admin.sock" --server-pid "$daemon_pid" \
  --first-dir "$work/first" --second-dir "$work/second" \
  --swaps "$swaps" --connections 16 --baseline "$baseline" --limit "$limit"
