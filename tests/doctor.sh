#!/usr/bin/env bash
# Drives `doctor` and `top` of a kms-sidecar binary: a healthy set-up, broken ones, each with its line, its mend and its exit code, and the
# dashboard in a pipe and in a terminal (tmux).
#   tests/doctor.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
# Some of it is for root alone: other users, a full disk, units of a mount namespace of its own. Without root those are skipped, and said.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=$(realpath "${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}")
work=$(mktemp -d)
chmod 755 "$work"
tls=$work/tls
daemon= double= load=
tmux=(tmux -S "$work/tmux" -f /dev/null)
end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
clean_up() {
  end "$load"; end "$daemon"; end "$double"
  "${tmux[@]}" kill-server 2>/dev/null
  umount "$work/small" 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
unset CREDENTIALS_DIRECTORY KMS_SIDECAR_ADMIN_SOCKET KMS_SIDECAR_ENDPOINT
export RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=doctor-secret-$$ NO_COLOR=
unset NO_COLOR

free_port() { # none that the kernel gives to others
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
plain=$(free_port) secure=$(free_port)
while [ "$secure" = "$plain" ]; do secure=$(free_port); done

write_settings() {
  cat >"$work/conf" <<CONF
listen = http://127.0.0.1:$plain
listen = https://127.0.0.1:$secure
tls_cert = $tls/server.pem
tls_key = $tls/server-key.pem
socket = $work/kms.sock
admin_socket = $work/admin.sock
state_dir = $work/state
CONF
}
start_daemon() { # extra flags
  : >"$work/log"
  (ulimit -c 0; exec "$binary" serve --config "$work/conf" --log-format text "$@") 2>"$work/log" &
  daemon=$!
  wait_for 20 grep -q 'ready: ' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
}
admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "${@:2}" "http://kms/rustfs/admin/v3/kms/$1"; }
doctor() { # extra flags; the report is in $said, the exit code in $code
  said=$(timeout 120 "$binary" doctor --config "$work/conf" "$@" 2>&1)
  code=$?
}
line() { printf '%s\n' "$said" | grep -E "^  [a-z]+ +$1  " | head -1; }  # NAME
mend() { printf '%s\n' "$said" | grep -E -A1 "^  [a-z]+ +$1  " | sed -n 's/.*mend: //p' | head -1; }
finds() { # WHAT NAME VERDICT TEXT MEND CODE: one line of the report
  has "$1: the line" "$4" "$(line "$2")"
  has "$1: as a $3" "  $3" "$(line "$2")"
  has "$1: the mend" "$5" "$(mend "$2")"
  check "$1: the exit code" "$6" "$code"
}
lacks_secrets() { lacks "$1: no secret" "$RUSTFS_SECRET_KEY" "$said"; }

"$binary" tls init --dir "$tls" >/dev/null
write_settings

echo "# no daemon"
doctor
finds "no daemon" "data socket" fault "there is no socket $work/kms.sock" "systemctl start kms-sidecar" 69
has "what serve needs is good" "will be generated" "$(line "master key")"
check "nothing was made" "conf tls" "$(ls "$work" | tr '\n' ' ' | sed 's/log //; s/ $//')"

echo "# not configured"
start_daemon
doctor
finds "no configuration" state warning "not configured" "kms-sidecar configure" 0

echo "# healthy"
admin configure -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"objects\"}" >/dev/null
admin start -X POST >/dev/null
everything() { # but the time, which the daemon notes by itself, and the records of the data keys, which are recorded as anyone's
  admin config/history
  find "$work/state" "$work/keys" -type f ! -name clock ! -name 'audit-*.jsonl' ! -path '*/audit-state/*' -exec sha256sum {} + | sort
}
before=$(everything)
doctor
check "a healthy node ends with 0" 0 "$code"
lacks "without a fault" "  fault" "$said"
has "the sum is the last line" " ok, " "$(printf '%s\n' "$said" | tail -1)"
has "no faults in it" ", 0 faults" "$(printf '%s\n' "$said" | tail -1)"
for name in clock certificate "state directory" "master key" ownership "data socket" "admin socket" "tls 127.0.0.1:$secure" state backend "default key" preflight disk "open files"; do
  has "$name is well" "  ok" "$(line "$name")"
done
check "a data key through every door" 5 "$(printf '%s\n' "$said" | grep -c 'ok .*a data key was made')"
lacks_secrets "healthy"
check "nothing has changed" "$before" "$(everything)"
lacks "no colour in a pipe" $'\e' "$said"
doctor --json
check "--json is one object" 1 "$(printf '%s\n' "$said" | wc -l)"
has "with the sum" '"fault":0' "$said"
has "and the findings" '"group":"data keys","name":"native, data socket","verdict":"ok"' "$said"
has "bad settings are findings" '"group":"settings","name":"settings","verdict":"fault"' "$("$binary" doctor --config "$work/conf" --socket-mode 9 --json)"
check "with 78" 78 "$("$binary" doctor --config "$work/conf" --socket-mode 9 >/dev/null; echo $?)"

echo "# a default key that is disabled"
admin keys/disable -d '{"key_id":"objects"}' >/dev/null
doctor
finds "disabled" "default key" fault "objects is Disabled" "kms-sidecar keys enable objects" 65
admin keys/enable -d '{"key_id":"objects"}' >/dev/null

echo "# stopped"
admin stop -X POST >/dev/null
doctor
finds "stopped" state warning "stopped" "kms-sidecar start" 0
admin start -X POST >/dev/null

echo "# a certificate that the daemon does not show, and one that clients refuse"
"$binary" tls init --dir "$work/other" >/dev/null
doctor --ca-file "$work/other/ca.pem"
finds "another CA" "tls 127.0.0.1:$secure" fault "no TLS with https://localhost:$secure" "--ca-file" 69
doctor --ca-file "$tls/ca.pem" --tls-cert "$work/other/server.pem" --tls-key "$work/other/server-key.pem"
finds "not reloaded" "tls 127.0.0.1:$secure" warning "shows another certificate" "systemctl reload kms-sidecar" 0
doctor --tls-key "$work/other/server-key.pem"
finds "a key of another certificate" certificate fault "is not that of" "" 78
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=old -keyout "$work/old.key" -out "$work/old.csr" 2>/dev/null
openssl x509 -req -in "$work/old.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca-key.pem" -CAcreateserial -days -1 -out "$work/old.pem" 2>/dev/null
chmod 600 "$work/old.key"
doctor --tls-cert "$work/old.pem" --tls-key "$work/old.key"
finds "one that has ended" certificate fault "ended at" "renew it" 78

echo "# state that is not the daemon's alone"
chmod 750 "$work/state"
doctor
finds "open to others" ownership fault "$work/state is open to others (mode 750)" "chmod 700 $work/state" 77
chmod 700 "$work/state"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chown 65534 "$work/state/master.key"
  doctor
  finds "a file of another user" ownership fault "$work/state/master.key is nobody's" "chown -R root: $work/state" 77
  chown 0 "$work/state/master.key"
  chmod 666 "$work/kms.sock" "$work/admin.sock"
  said=$(setpriv --reuid=65534 --regid=65534 --clear-groups timeout 120 "$binary" doctor --config "$work/conf" 2>&1)
  code=$?
  has "another user: what cannot be seen is said" "run it as root to see this, too" "$said"
  finds "another user" "native, data socket" warning "the user nobody may not ask for data keys" "RustFS's user" 0
  chmod 600 "$work/kms.sock"
  said=$(setpriv --reuid=65534 --regid=65534 --clear-groups timeout 120 "$binary" doctor --config "$work/conf" 2>&1)
  code=$?
  finds "a socket without permission" "data socket" warning "the user nobody may not use it" "allow_uid = 65534" 0
  chmod 660 "$work/kms.sock" "$work/admin.sock"
else
  echo "skip other users (needs root and setpriv)"
fi

echo "# a disk that is nearly full"
if [ "$(id -u)" -eq 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=12m tmpfs "$work/small" 2>/dev/null; then
  doctor --state-dir "$work/small"
  has "a full disk: the line" "MB free" "$(line disk)"
  has "a full disk: as a fault" "  fault" "$(line disk)"
  has "a full disk: the mend" "make room on the disk of $work/small" "$(mend disk)"
  check "a full disk: the exit code" no "$([ "$code" -eq 0 ] || echo no)"
  umount "$work/small"
else
  echo "skip a full disk (needs root and tmpfs)"
fi

echo "# RustFS's drop-in"
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
  said=$(unshare -m bash -c '
    mount -t tmpfs tmpfs /etc/systemd && mkdir -p /etc/systemd/system/rustfs.service.d
    printf "[Service]\nExecStart=/usr/bin/rustfs\n" >/etc/systemd/system/rustfs.service
    sed "s|localhost:9021|localhost:$3|; s|/etc/rustfs/kms-sidecar-ca.pem|$4|" packaging/systemd/rustfs.service.d/kms-sidecar.conf >/etc/systemd/system/rustfs.service.d/kms-sidecar.conf
    timeout 120 "$1" doctor --config "$2"' _ "$binary" "$work/conf" "$plain" "$tls/ca.pem" 2>&1)
  code=$?
  finds "a wrong port" endpoint fault "RustFS asks https://localhost:$plain, where this daemon has no TLS listener" "RUSTFS_KMS_AWS_ENDPOINT_URL=https://localhost:$secure" 78
  has "the rest of it is good" "  ok" "$(line region)"
else
  echo "skip units (needs root and unshare)"
fi

echo "# Vault goes away"
dotnet build tests/KmsSidecar.VaultDouble -c Release --nologo -v quiet || exit 1
dotnet .build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble.dll --listen 127.0.0.1:0 --ready-file "$work/vault" \
  --root-token-file "$work/root" >"$work/vault.log" 2>&1 &
double=$!
wait_for 30 test -s "$work/vault" || { cat "$work/vault.log"; not_ok "start the double" "it is not ready"; report; exit 1; }
vault() { curl -sS --max-time 30 -H "X-Vault-Token: $(cat "$work/root")" -X "$1" ${3:+-d "$3"} "$(cat "$work/vault")/v1/$2"; }
vault POST sys/mounts/transit '{"type":"transit"}'
vault POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
vault POST transit/keys/objects '{"type":"aes256-gcm96"}' >/dev/null
has "a Vault is configured" '"success":true' "$(admin reconfigure -d '{"backend_type":"vault","address":"'"$(cat "$work/vault")"'","auth_method":{"token":"'"$(cat "$work/root")"'"},"mount_path":"transit","default_key_id":"objects","timeout_seconds":2,"retry_attempts":1}')"
doctor
check "with Vault it is healthy" 0 "$code"
has "the former backend is open" "  ok" "$(line "decrypt-only [^ ]+")"
lacks "the token is not said" "$(cat "$work/root")" "$said"
end "$double" TERM
double=
doctor
finds "Vault away" "native, data socket" fault "backend" "kms-sidecar status" 69

echo "# top"
admin reconfigure -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"objects\"}" >/dev/null
(while :; do curl -s --unix-socket "$work/kms.sock" $(printf 'http://kms/v1/generate-data-key %.0s' {1..50}) -d '{}' >/dev/null; done) &
load=$!
top() { "$binary" top --admin-socket "$work/admin.sock" "$@"; }
said=$(top --once --interval 0.5 2>&1)
check "once, in a pipe" 0 $?
has "the state" "Running, generation" "$said"
has "an operation with its rate" "generate_data_key" "$said"
has "and its latency" "µs" "$(printf '%s\n' "$said" | grep generate_data_key)"
lacks "no control sequences" $'\e' "$said"
check "--json is one object" Running "$(top --json --interval 0.5 | jq -r .state)"
check "with numbers" true "$(top --json --interval 1 | jq '.requests_per_second > 0')"
check "an interval that is none ends with 64" 64 "$(top --interval 0 >/dev/null 2>&1; echo $?)"
check "no daemon ends with 69" 69 "$("$binary" top --once --admin-socket "$work/none.sock" >/dev/null 2>&1; echo $?)"
if command -v tmux >/dev/null; then
  shown() { "${tmux[@]}" capture-pane -p -t top; }
  shows() { shown | grep -qF "$1"; }
  hides() { ! shows "$1"; }
  "${tmux[@]}" new-session -d -s top -x 80 -y 24 "env PS1='here> ' bash --norc"
  run() { "${tmux[@]}" send-keys -t top "$1; echo ended \$?; stty -a | grep -o ' icanon\| echo ' | tr -d '\\n'" Enter; }
  over() { wait_for 10 shows "ended $1" && wait_for 10 shows "icanon echo"; }
  clear_screen() { "${tmux[@]}" send-keys -t top "clear" Enter; wait_for 5 hides ended; }
  run "$binary top --admin-socket $work/admin.sock --interval 0.3"
  check "live: it draws" 0 "$(wait_for 10 shows generate_data_key; echo $?)"
  check "live: with a history" 0 "$(wait_for 10 shows █; echo $?)"
  check "live: no line is wrapped" 0 "$(shown | grep -cE '^ ?refused$')"
  "${tmux[@]}" resize-window -t top -x 120 -y 35
  check "live: a larger terminal is filled" 0 "$(wait_for 10 eval 'shown | grep generate_data_key | grep -q █'; echo $?)"
  "${tmux[@]}" send-keys -t top q
  check "live: q ends it, and the terminal is as before" 0 "$(over 0; echo $?)"
  check "live: with nothing of a larger screen" 0 "$(shown | grep -c 'requests/s')"
  clear_screen
  run "$binary top --admin-socket $work/admin.sock"
  wait_for 10 shows generate_data_key
  "${tmux[@]}" send-keys -t top C-c
  check "live: so does Ctrl-C" 0 "$(over 0; echo $?)"
  check "live: nothing of it stays" 0 "$(shown | grep -c generate_data_key)"
  clear_screen
  run "$binary top --admin-socket $work/admin.sock"
  wait_for 10 shows generate_data_key
  kill "$(pgrep -f "^$binary top --admin-socket $work/admin.sock")"
  check "live: so does SIGTERM" 0 "$(over 0; echo $?)"
  clear_screen
  run "$binary top --admin-socket $work/admin.sock --interval 0.3"
  wait_for 10 shows generate_data_key
  end "$daemon" TERM
  daemon=
  check "live: a daemon that is away is said" 0 "$(wait_for 15 shows "$work/admin.sock"; echo $?)"
  start_daemon
  check "live: and is back" 0 "$(wait_for 15 shows "Running, generation"; echo $?)"
  "${tmux[@]}" send-keys -t top q
  over 0
else
  echo "skip the live dashboard (needs tmux)"
fi

report
