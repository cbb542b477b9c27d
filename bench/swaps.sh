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

swaps=10000 baseline=15 limit=900
option() {
  case $1 in
    --quick) swaps=500 baseline=3 limit=120 ;;
    *[!0-9]* | '') return 1 ;;
    *) swaps=$1 ;;
  esac
}
# The collector waits for as much as the processor caches, 300 MB and more on some, before it looks: what is resident is
# what is in use only where it looks more often.
daemon_env=(DOTNET_GCgen0size=1000000)
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2

start_daemon
"$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench" swaps \
  --data-socket "$work/kms.sock" --admin-socket "$work/admin.sock" --server-pid "$daemon_pid" \
  --first-dir "$work/first" --second-dir "$work/second" \
  --swaps "$swaps" --connections 16 --baseline "$baseline" --limit "$limit"
