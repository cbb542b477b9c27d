#!/usr/bin/env bash
# What a kms-sidecar binary tells systemd, sd_notify(3), while its threads are held one kind after the other: the watchdog is fed for as long
# as requests are answered, and no longer.
#   tests/notify.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar; needs python3, and leave to trace a process
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
port=${KMS_NOTIFY_PORT:-9027}
work=$(mktemp -d)
told=$work/told
daemon='' listener='' holder=''

trap 'rm -f "$work/hold"; [ -z "$holder" ] || wait "$holder" 2>/dev/null; kill -KILL $daemon $listener 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

python3 tests/notify.py listen "$work/notify" "$told" &
listener=$!
wait_for 5 test -S "$work/notify"

# The watchdog's time is short, so that its looks come each second.
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=3000000 RUSTFS_ACCESS_KEY=notify RUSTFS_SECRET_KEY=notify-secret-$$ "$binary" serve \
  --listen "127.0.0.1:$port" --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" --log-format text 2>"$work/log" &
daemon=$!

told() { grep -c " $1" "$told"; }
more() { [ "$(told "$1")" -gt "$2" ]; }
logged() { grep -q "$1" "$work/log"; }

# hold THREADS DOOR: while threads of that name stand, that is said and the watchdog is not fed; then it is fed again
hold() {
  local fed
  touch "$work/hold"
  python3 tests/notify.py hold "$daemon" "$1" "$work/hold" >"$work/held" 2>&1 &
  holder=$!
  if ! wait_for 5 grep -q '^held' "$work/held"; then
    not_ok "$1 is held" "$(cat "$work/held")"
    return
  fi
  if wait_for 20 logged "$2"; then ok "$1 stands: the log says so"; else not_ok "$1 stands: the log says so" "$(cat "$work/log")"; fi
  fed=$(told WATCHDOG=1)
  sleep 4
  check "$1 stands: the watchdog is not fed in four looks" "$fed" "$(told WATCHDOG=1)"
  rm "$work/hold"
  wait "$holder"
  holder=
  if wait_for 20 more WATCHDOG=1 "$fed"; then ok "$1 goes on: it is fed again"; else not_ok "$1 goes on: it is fed again" "$(cat "$work/log")"; fi
  : >"$work/log"
}

echo "# a start"
wait_for 20 more READY=1 0 || { cat "$work/log"; not_ok "start" "READY=1 does not come"; report; exit 1; }
has "the state is the status" "STATUS=NotConfigured: next, POST a configuration" "$(cat "$told")"
has "time was asked for" EXTEND_TIMEOUT_USEC= "$(cat "$told")"
fed=$(told WATCHDOG=1)
if wait_for 20 more WATCHDOG=1 $((fed + 2)); then ok "the watchdog is fed"; else not_ok "the watchdog is fed" "$(cat "$work/log")"; fi

echo "# threads that stand"
for loop in $(cat /proc/"$daemon"/task/*/comm | grep '^data socket' | tr ' ' '_' | sort); do
  hold "$(tr '_' ' ' <<<"$loop")" 'event loop of the data socket has been standing\|data socket has not answered'
done
hold .NET\ Sockets 'has not answered within'

echo "# memory"
locked() { sed -nE 's/^VmLck:[^0-9]*([0-9]+) kB/\1/p' "/proc/$1/status"; }
if [ "$(ulimit -H -l)" = unlimited ] || [ $((0x$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status) >> 14 & 1)) = 1 ]; then
  if [ "$(locked "$daemon")" -gt 0 ]; then ok "it is locked"; else not_ok "it is locked" "$(cat "/proc/$daemon/status")"; fi
else
  echo "skip that it is locked (needs CAP_IPC_LOCK)"
fi
echo "     $(grep -E 'VmRSS|VmLck' "/proc/$daemon/status" | tr -s '\t\n ' ' ')"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$work"
  mkdir "$work/other" && chown 65534:65534 "$work/other"
  nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$@"; }
  (ulimit -l 64 && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$binary" serve --listen none --socket "$work/other/kms.sock" \
    --admin-socket none --state-dir "$work/other/state" --log-format text) 2>"$work/other.log" &
  other=$!
  wait_for 20 grep -q 'ready:' "$work/other.log"
  has "a finite limit is named with its mend" "set LimitMEMLOCK=infinity" "$(cat "$work/other.log")"
  check "and nothing is locked" 0 "$(locked $other)"
  check "its own user cannot read its memory" "" "$(nobody head -c 1 "/proc/$other/environ" 2>/dev/null | tr -d '\0')"
  has "because it is not dumpable" "ermission denied" "$(nobody ls "/proc/$other/fd" 2>&1)"
  has "its requests are answered" NotConfigured "$(nobody curl -s --unix-socket "$work/other/kms.sock" http://kms/v1/status)"
  kill -TERM $other && wait $other
  check "it ends with 0, too" 0 $?
else
  echo "skip another user (needs root and setpriv)"
fi

echo "# a reload and an end"
kill -HUP "$daemon"
if wait_for 10 more READY=1 1; then ok "ready again after SIGHUP"; else not_ok "ready again after SIGHUP" "$(cat "$told")"; fi
has "between, it was reloading" RELOADING=1 "$(cat "$told")"
has "since a time that systemd can compare" MONOTONIC_USEC= "$(cat "$told")"
kill -TERM "$daemon"
wait "$daemon"
check "it ends with 0" 0 $?
check "and said so first" 1 "$(told STOPPING=1)"
report
