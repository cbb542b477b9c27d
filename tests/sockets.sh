#!/usr/bin/env bash
# Drives a kms-sidecar binary whose listening sockets are handed over, as systemd does it: a start by the first request, restarts under load,
# SIGKILL, and what must not be handed over. With clients that are not ours: curl and Python's http.client.
#   tests/sockets.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
# KMS_RESTARTS: how often it is restarted under load, 20 if not set.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=$(realpath "${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}")
restarts=${KMS_RESTARTS:-20}
port=${KMS_SOCKETS_PORT:-9025}
work=$(mktemp -d)
chmod 755 "$work"
socket=$work/kms.sock
admin=$work/admin.sock
serve=("$binary" serve --socket "$socket" --admin-socket "$admin" --state-dir "$work/state" --listen "127.0.0.1:$port" --log-format text)
activator=
export RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=sockets-secret-$$

end_activator() { [ -z "$activator" ] || { kill "-${1:-TERM}" "$activator" && wait "$activator"; } 2>/dev/null; activator=; }
trap 'end_activator KILL; rm -rf "$work"' EXIT

# activate ARGUMENT...: of systemd-socket-activate, which becomes the daemon with the first connection
activate() {
  rm -f "$socket" "$admin"
  systemd-socket-activate -E RUSTFS_ACCESS_KEY -E RUSTFS_SECRET_KEY "$@" 2>>"$work/log" &
  activator=$!
}
data() { curl -sS --max-time 60 --unix-socket "$socket" "$@" 2>&1; }

# ended COMMAND...: what it says, and its exit code as the last line
ended() { timeout 60 "$@" 2>&1; echo $?; }

# with_descriptor PYTHON COMMAND...: runs it with the socket s of the expression as descriptor 3
with_descriptor() {
  local make=$1
  shift
  timeout 60 python3 - "$work" "$make" "$@" 2>&1 <<'PYTHON'
import os, socket, sys
work, make, command = sys.argv[1], sys.argv[2], sys.argv[3:]
s = eval(make)
os.dup2(s.fileno(), 103)
os.dup2(103, 3)
os.environ.update({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
os.execv(command[0], command)
PYTHON
  echo $?
}

echo "# the first request starts it"
activate -l "$socket" -l "$admin" -l "127.0.0.1:$port" "${serve[@]}"
wait_for 10 test -S "$admin"
check "a request that came before it" NotConfigured "$(text status "$(data http://x/v1/status)")"
configured=$(curl -sS --max-time 60 --unix-socket "$admin" -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" http://x/rustfs/admin/v3/kms/configure)
has "the admin socket" '"success":true' "$configured"
has "start" '"success":true' "$(curl -sS --max-time 60 --unix-socket "$admin" -X POST http://x/rustfs/admin/v3/kms/start)"
check "TCP" 200 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 60 "http://127.0.0.1:$port/livez")"
has "a data key" plaintext_key "$(data -d '{}' http://x/v1/generate-data-key)"
check "no lock beside what was handed over" "" "$(ls "$work" | grep lock)"
kill -TERM "$activator"
wait "$activator"
check "SIGTERM ends it with 0" 0 $?
activator=
check "the sockets' files stay" "yes yes" "$([ -S "$socket" ] && echo -n yes; [ -S "$admin" ] && echo " yes")"

echo "# only some are handed over"
activate -l "$socket" "${serve[@]}"
wait_for 10 test -S "$socket"
has "the data socket" plaintext_key "$(data -d '{}' http://x/v1/generate-data-key)"
check "the admin socket is bound" 200 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$admin" http://x/rustfs/admin/v3/kms/status)"
end_activator
check "and goes with the daemon" "gone" "$([ -S "$admin" ] || echo gone)"
rm -f "$socket"

echo "# without systemd: a stale socket is no obstacle"
"${serve[@]}" 2>>"$work/log" & activator=$!
wait_for 30 curl -sf "http://127.0.0.1:$port/livez"
end_activator KILL
check "a killed one leaves its socket" yes "$([ -S "$socket" ] && echo yes)"
"${serve[@]}" 2>>"$work/log" & activator=$!
wait_for 30 curl -sf "http://127.0.0.1:$port/livez"
has "the next one removes it" plaintext_key "$(data -d '{}' http://x/v1/generate-data-key)"
has "and says so" "removed the stale socket $socket" "$(cat "$work/log")"
end_activator

echo "# LISTEN_PID and LISTEN_FDS"
LISTEN_PID=1 LISTEN_FDS=2 "${serve[@]}" 2>>"$work/log" & activator=$!
wait_for 30 curl -sf "http://127.0.0.1:$port/livez"
has "those of another process mean nothing" plaintext_key "$(data -d '{}' http://x/v1/generate-data-key)"
end_activator
rubbish() { ended bash -c 'LISTEN_PID=$BASHPID LISTEN_FDS=$0 exec "$@"' "$1" "${serve[@]}"; }
for count in rubbish -1 99999 3x; do
  said=$(rubbish "$count")
  has "LISTEN_FDS=$count is named" "LISTEN_FDS is not a number of sockets" "$said"
  check "with 78" 78 "$(tail -n 1 <<<"$said")"
done
has "more than there are" "is not a listening stream socket" "$(rubbish 900)"

echo "# what must not be handed over"
said=$(with_descriptor 'socket.create_server(("127.0.0.1", 0))' "${serve[@]}")
has "an address that is not configured" "was handed over but is not configured" "$said"
has "both places to mend are named" "ListenStream= from the socket unit, or name it with --socket" "$said"
check "with 78" 78 "$(tail -n 1 <<<"$said")"
check "in one line" 2 "$(wc -l <<<"$said")"
for made in 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM)' 'socket.socket(socket.AF_INET, socket.SOCK_STREAM)' 'open("/dev/null")'; do
  said=$(with_descriptor "$made" "${serve[@]}")
  has "$made" "descriptor 3, which was handed over, is not a listening stream socket" "$said"
  check "with 78" 78 "$(tail -n 1 <<<"$said")"
done
# A Unix socket at the data socket's path, as the socket unit makes it.
unix="(lambda s: (s.bind(work + '/kms.sock'), s.listen(), s)[2])(socket.socket(socket.AF_UNIX))"
rm -f "$socket"
said=$(with_descriptor "$unix" "${serve[@]}" --socket-group 4242)
has "another group than that of the unit" "set SocketGroup= in the socket unit to that group, or remove --socket-group" "$said"
check "with 78" 78 "$(tail -n 1 <<<"$said")"
rm -f "$socket"
said=$(with_descriptor "(lambda s: (os.unlink(work + '/kms.sock'), s)[1])($unix)" "${serve[@]}")
has "a socket whose file is gone" "its file cannot be seen: it does not exist; restart the socket unit" "$said"
check "with 71" 71 "$(tail -n 1 <<<"$said")"

echo "# nobody else's descriptions are shut down"
rm -f "$socket" "$admin"
if command -v strace >/dev/null; then
  strace -f -qq -e trace=shutdown,connect,unlink,unlinkat -o "$work/trace" \
    systemd-socket-activate -l "$socket" -l "$admin" -l "127.0.0.1:$port" "${serve[@]}" 2>>"$work/log" & activator=$!
  wait_for 10 test -S "$admin"
  has "a data key" plaintext_key "$(data -d '{}' http://x/v1/generate-data-key)"
  kill -TERM "$(pgrep -P "$activator")" 2>/dev/null
  wait "$activator"
  check "SIGTERM ends it with 0" 0 $?
  activator=
  # Descriptors 3 to 5 are the listening ones.
  lacks "no shutdown(2) of a listening socket" yes "$(grep -qE '(shutdown|connect)\([345],' "$work/trace" && echo yes)"
  lacks "no unlink of its file" yes "$(grep -E 'unlink' "$work/trace" | grep -qE '(kms|admin)\.sock"' && echo yes)"
fi

echo "# $restarts restarts under load"
for pause in 0 0.01; do
  rm -f "$socket" "$admin"
  said=$(timeout 580 python3 tests/holder.py --data "$socket" --admin "$admin" --tcp "127.0.0.1:$port" --restarts "$restarts" --pause "$pause" -- "${serve[@]}" 2>"$work/holder.log")
  code=$?
  echo "     $said"
  grep failure: "$work/holder.log" | head -n 5
  check "pause $pause: no request failed" "0 0" "$code $(sed -nE 's/.* failed=([0-9]+).*/\1/p' <<<"$said")"
  check "pause $pause: none for a data key was sent twice" 0 "$(sed -nE 's/.* repeated_data=([0-9]+).*/\1/p' <<<"$said")"
done

echo "# SIGKILL: what waits in the queue is the next one's"
rm -f "$socket" "$admin"
said=$(timeout 300 python3 tests/holder.py --data "$socket" --kill --restarts 5 -- "${serve[@]}" 2>"$work/holder.log")
check "each was answered" "kills=5 failed=0" "$said"
grep failure: "$work/holder.log" | head -n 5

report
