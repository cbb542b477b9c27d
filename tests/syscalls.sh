#!/usr/bin/env bash
# Compares the unit's SystemCallFilter= with what a kms-sidecar binary calls while the other scripts drive it: what is missing would be
# refused on a node, what nothing calls has no business in the list.
#   tests/syscalls.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
#   SHOW=1 tests/syscalls.sh        print every call that was seen
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

# A loopback of our own, since the scripts have fixed ports.
if [ -z "${KMS_TRACE_APART:-}" ] && [ "$(id -u)" -eq 0 ]; then
  KMS_TRACE_APART=1 exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$0" "$@"
fi

binary=$(realpath "${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}")
unit=packaging/systemd/kms-sidecar.service
work=$(mktemp -d)
chmod 755 "$work"
mkdir -m 777 "$work/calls"
trap 'rm -rf "$work"' EXIT

# In the place of the binary: the same, with the names of the daemon's calls in a file at the end. -D keeps its process id and its parent.
cat >"$work/kms-sidecar" <<TRACED
#!/bin/sh
[ "\$1" = serve ] || exec "$binary" "\$@"
exec strace -D -f -qq -c -U name -o "$work/calls/\$\$" "$binary" "\$@"
TRACED
chmod 755 "$work/kms-sidecar"

# --- what the unit allows
expand() { # GROUP: its calls, those of the groups in it, too
  systemd-analyze syscall-filter "$1" | sed -nE 's/^ +([@a-z0-9_]+)$/\1/p' | while read -r name; do
    case $name in @*) expand "$name" ;; *) echo "$name" ;; esac
  done
}
entries=$(sed -nE 's/^SystemCallFilter=//p' "$unit" | tr ' ' '\n' | sort -u)
score=$(systemd-analyze security --offline=true --threshold=15 "$unit" 2>&1) rated=$?
check "systemd-analyze security rates the unit at 1.5 or less ($(sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p' <<<"$score"))" 0 "$rated"
has "the filter is a list of what is allowed" read "$entries"
lacks "and takes nothing away" '~' "$entries"
{ expand @default; for entry in $entries; do case $entry in @*) expand "$entry" ;; *) echo "$entry" ;; esac; done; } | sort -u >"$work/allowed"

# --- what the binary calls
for script in ${SCRIPTS:-playbook drive keys people tls follow vault sockets}; do
  timeout 600 "tests/$script.sh" "$work/kms-sidecar" >"$work/$script.log" 2>&1
  has "$script.sh, traced" " passed, 0 failed" "$(grep '^FAIL' "$work/$script.log" | head -n 5; tail -n 1 "$work/$script.log")"
done
wait_for 30 sh -c "! find '$work/calls' -empty -type f | grep -q ."
grep -hoE '^ *[a-z0-9_]+ *$' "$work/calls"/* | tr -d ' ' | grep -vx 'syscall\|total' | sort -u >"$work/called"
[ -z "${SHOW:-}" ] || tr '\n' ' ' <"$work/called"
ok "$(ls "$work/calls" | wc -l) processes were traced, $(wc -l <"$work/called") different calls"

missing=$(comm -13 "$work/allowed" "$work/called" | tr '\n' ' ')
check "every call is allowed by $unit" "" "$missing"

# --- what it allows and was not called here
expected() { # CALL: why it is allowed all the same
  case $1 in
    readlinkat | mkdirat | renameat | renameat2 | linkat | unlinkat | faccessat | fchmodat | fchownat | epoll_pwait | ppoll | clone) echo "arm64's name of one that is" ;;
    tgkill) echo "a thread is stopped in the middle of its work for a collection" ;;
    kill) echo "a signal that nobody handles is raised again" ;;
    chown) echo "--admin-group" ;;
    getcwd) echo "a relative path in a setting" ;;
    sendmmsg) echo "both address families of a name are looked up at once" ;;
    mremap) echo "a large block grows" ;;
    mlockall) echo "where the limit of locked memory allows it" ;;
    *) return 1 ;;
  esac
}
for entry in $entries; do
  case $entry in
    @*) expand "$entry" | sort -u | comm -12 - "$work/called" | grep -q . ;;
    *) grep -qx "$entry" "$work/called" ;;
  esac && continue
  if reason=$(expected "$entry"); then printf '     not called here: %s (%s)\n' "$entry" "$reason"; else not_ok "$entry is called by nothing" "take it out of SystemCallFilter="; fi
done
report
