# What the measuring scripts share: their options, the published daemon in a directory of its own, and the end of all that a script started.
# Source it when there is a `usage`, and an `option ARGUMENT` that fails for what is none of the script's own. Sets $here, $root, $binary, and $work, a
# directory that goes with the script.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
binary=$root/artifacts/linux-x64/kms-sidecar
while (($#)); do
  case $1 in
    --binary)
      (($# > 1)) || { usage >&2; exit 64; }
      binary=$(realpath -- "$2")
      shift
      ;;
    --help) usage; exit 0 ;;
    *) option "$1" || { usage >&2; exit 64; } ;;
  esac
  shift
done

[[ -x $binary ]] || { echo "${0##*/}: no daemon at $binary: publish it, or name one with --binary" >&2; exit 66; }

work=$(mktemp -d)
daemon_pid=''
# Whatever the script starts; each is ended by its own pid.
pids=()

is_running() { jobs -pr | grep -qx "$1"; }

# Ends one process that this script started: ten seconds to drain, then by force.
stop() {
  local pid=$1 tenths=100
  is_running "$pid" || return 0
  kill -TERM "$pid" 2>/dev/null || true
  while is_running "$pid" && ((tenths-- > 0)); do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do stop "$pid"; done
  if ((status != 0)) && [[ -s $work/daemon.log ]]; then
    echo "${0##*/}: failed; the daemon's last lines:" >&2
    tail -n 20 "$work/daemon.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Repeats a command until it succeeds, while the process lives and for at most 30 s.
until_ready() { # PID COMMAND...
  local pid=$1 deadline=$((SECONDS + 30))
  shift
  until "$@"; do
    if ! is_running "$pid" || ((SECONDS >= deadline)); then
      echo "${0##*/}: not ready: $*" >&2
      return 1
    fi
    sleep 0.002
  done
}

gives_a_data_key() { # [SOCKET]
  curl --silent --fail --output /dev/null --unix-socket "${1:-$work/kms.sock}" \
    --header 'Content-Type: application/json' --data '{}' http://localhost/v1/generate-data-key
}

# Starts a daemon in the background; its pid is $!. The environment is emptied: no setting of this machine takes part.
serve_on() { # ADDRESS FLAGS...
  env -i PATH="$PATH" TMPDIR="$work" ${daemon_env[@]+"${daemon_env[@]}"} "$binary" serve --listen "$@" >>"$work/daemon.log" 2>&1 &
  pids+=("$!")
}

serve() { # FLAGS...
  serve_on none "$@"
}

# A daemon that makes everything it needs in $work; sets $daemon_pid and $started_in, milliseconds to the first data key.
start_daemon() {
  local begun=${EPOCHREALTIME/./}
  serve --dev --socket "$work/kms.sock" --admin-socket "$work/admin.sock"
  daemon_pid=$!
  until_ready "$daemon_pid" gives_a_data_key
  started_in=$(((${EPOCHREALTIME/./} - begun) / 1000))
}
