#!/usr/bin/env bash
# Drives a kms-sidecar binary beside a stand-in for RustFS (tests/rustfs-double.py), whose default key has to follow the daemon's.
#   tests/follow.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
secret=rustfs-secret-$$
daemon= rustfs= elsewhere=

start_double() { # DIRECTORY PORT [PEM]
  mkdir -p "$work/$1"
  rm -f "$work/$1/port"
  python3 tests/rustfs-double.py "$2" "$work/$1" ${3:+"$3"} 2>/dev/null &
  double=$!
  wait_for 20 test -s "$work/$1/port" || { not_ok "start the double" "no port"; report; exit 1; }
}

start_rustfs() { start_double rustfs "${1:-0}"; rustfs=$double; port=$(cat "$work/rustfs/port"); }

endpoint() { echo "http://127.0.0.1:$port"; }

start_daemon() { # extra flags
  : >"$work/log" # the one before is ready in it
  "$binary" serve --listen none --log-format text --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" \
    --rustfs-endpoint "$(endpoint)" --rustfs-kms-endpoint https://localhost:9021 --rustfs-credentials-file "$work/credentials" \
    "$@" 2>"$work/log" &
  daemon=$!
  wait_for 20 grep -q 'ready: ' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
}

end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
trap 'end "$daemon"; end "$rustfs"; end "$elsewhere"; rm -rf "$work"' EXIT

kms=http://kms/rustfs/admin/v3/kms
admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "$@"; }
code() { admin -o /dev/null -w '%{http_code}' "$@"; }
default_is() { code -d "{\"default_key_id\":\"$1\"}" "$kms/reconfigure"; }
rustfs_status() { admin "$kms/status" | sed -nE 's/.*"rustfs":(\{[^}]*\}).*/\1/p'; }
follows() { case $(rustfs_status) in *'"followed":true,"default_key_id":"'"$1"'"'*) ;; *) return 1 ;; esac; }
errs() { case $(rustfs_status) in *'"followed":false'*"$1"*) ;; *) return 1 ;; esac; }
fault() { printf '%s' "$1" >"$work/rustfs/fault"; }
mended() { rm -f "$work/rustfs/fault"; }
asked() { grep -c "$1" "$work/rustfs/requests"; }

printf 'RUSTFS_ACCESS_KEY=rustfs-boss\nRUSTFS_SECRET_KEY=%s\n' "$secret" >"$work/credentials"
chmod 600 "$work/credentials"

echo "# settings"
refused() { "$binary" check --rustfs-endpoint "$@" 2>&1; }
has "without the daemon's own URL" "--rustfs-kms-endpoint" "$(refused https://rustfs:9000)"
has "plain HTTP over a network" "plain HTTP is for loopback only" "$(refused http://rustfs:9000 --rustfs-kms-endpoint https://localhost:9021)"
has "plain HTTP to the daemon" "RustFS takes https:// only" "$(refused https://rustfs:9000 --rustfs-kms-endpoint http://localhost:9020)"
has "without credentials" "--rustfs-credentials-file" "$(refused https://rustfs:9000 --rustfs-kms-endpoint https://localhost:9021)"
has "a bundle that is not there" "--rustfs-ca-file $work/none.pem" \
  "$(refused https://rustfs:9000 --rustfs-kms-endpoint https://localhost:9021 --rustfs-credentials-file "$work/credentials" --rustfs-ca-file "$work/none.pem")"
has "good ones" "the settings are good" \
  "$(refused https://rustfs:9000 --rustfs-kms-endpoint https://localhost:9021 --rustfs-credentials-file "$work/credentials")"

echo "# a change is passed on"
mkdir -p "$work/rustfs"
echo aws >"$work/rustfs/backend"
echo alias/default >"$work/rustfs/key"
start_rustfs
start_daemon
admin -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" "$kms/configure"
check "nothing is asked before the service runs" no "$([ -e "$work/rustfs/requests" ] && echo yes || echo no)"
check "start" 200 "$(code -X POST "$kms/start")"
check "RustFS gets the default key" 0 "$(wait_for 10 follows app; echo $?)"
check "a new key" 200 "$(code -d '{"key_name":"rotation-2024-09"}' "$kms/keys")"
check "is the default" 200 "$(default_is rotation-2024-09)"
check "of RustFS too" 0 "$(wait_for 10 follows rotation-2024-09; echo $?)"
check "as RustFS itself says" rotation-2024-09 "$(cat "$work/rustfs/key")"
has "the status has no error" '"last_error":null' "$(rustfs_status)"
has "the log has a line of it" "has default key rotation-2024-09" "$(cat "$work/log")"
last=$(grep reconfigure "$work/rustfs/requests" | tail -n 1)
for part in backend_type\\\":\\\"aws region\\\":\\\"us-east-1 endpoint_url\\\":\\\"https://localhost:9021 max_cached_keys\\\":2048 cache_ttl_seconds\\\":600; do
  has "the request has ${part//\\\"/}" "$part" "$last"
done
has "it is signed" "Credential=rustfs-boss/" "$last"
lacks "and does not carry the secret" "$secret" "$(cat "$work/rustfs/requests")"
check "rollback" 200 "$(code -X POST "$kms/rollback")"
check "is followed" 0 "$(wait_for 10 follows app; echo $?)"

echo "# RustFS in trouble"
fault hangs
check "a change beside a RustFS that hangs" 200 "$(default_is rotation-2024-09)"
has "is in effect" '"default_key_id":"rotation-2024-09"' "$(admin "$kms/status")"
has "and RustFS is known not to follow" '"followed":false' "$(rustfs_status)"
end "$rustfs"
rustfs=
mended
check "RustFS is gone" 0 "$(wait_for 20 errs "nothing listens on"; echo $?)"
start_rustfs "$port"
check "and there again" 0 "$(wait_for 40 follows rotation-2024-09; echo $?)"
for pair in "not-ready:server context is not ready" "not-running:RUSTFS_KMS_BACKEND=aws" "refuses:must use https"; do
  fault "${pair%%:*}"
  code -d '{"default_key_id":"app"}' "$kms/reconfigure" >/dev/null
  check "${pair%%:*}" 0 "$(wait_for 20 errs "${pair#*:}"; echo $?)"
  mended
  check "is over" 0 "$(wait_for 40 follows app; echo $?)"
  code -d '{"default_key_id":"rotation-2024-09"}' "$kms/reconfigure" >/dev/null
  check "and the next change is followed" 0 "$(wait_for 20 follows rotation-2024-09; echo $?)"
done

echo "# whom it leaves alone"
echo local >"$work/rustfs/backend"
before=$(asked reconfigure)
check "a change" 200 "$(default_is app)"
check "a RustFS on another backend" 0 "$(wait_for 20 errs "left alone: restart RustFS with RUSTFS_KMS_BACKEND=aws"; echo $?)"
check "is not reconfigured" "$before" "$(asked reconfigure)"
echo aws >"$work/rustfs/backend"
check "until it is one of ours" 0 "$(wait_for 40 follows app; echo $?)"
start_double elsewhere 0
elsewhere=$double
printf 'http://127.0.0.1:%s' "$(cat "$work/elsewhere/port")" >"$work/rustfs/elsewhere"
fault redirects
check "a change" 200 "$(default_is rotation-2024-09)"
check "a redirect is an error" 0 "$(wait_for 20 errs "with 307"; echo $?)"
check "and is not followed" no "$([ -e "$work/elsewhere/requests" ] && echo yes || echo no)"
mended

echo "# credentials"
printf 'RUSTFS_ACCESS_KEY=rustfs-other\nRUSTFS_SECRET_KEY=%s-2\n' "$secret" >"$work/credentials"
kill -HUP "$daemon"
check "SIGHUP reads them again" 0 "$(wait_for 10 grep -q 'Credential=rustfs-other/' "$work/rustfs/requests"; echo $?)"
check "and RustFS follows" 0 "$(wait_for 40 follows rotation-2024-09; echo $?)"
lacks "no secret is in the log" "$secret" "$(cat "$work/log")"
lacks "or in the status" "$secret" "$(admin "$kms/status")"
kill -TERM "$daemon"
wait "$daemon"
check "the daemon ends well" 0 $?
daemon=

echo "# TLS"
if command -v openssl >/dev/null; then
  certificate() { # NAME HOST: a CA in $work/NAME-ca.pem, and a certificate of it for HOST in $work/NAME.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1 CA" -keyout "$work/$1-ca.key" -out "$work/$1-ca.pem" &&
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=rustfs" -keyout "$work/$1.key" -out "$work/$1.csr" &&
      openssl x509 -req -days 2 -in "$work/$1.csr" -CA "$work/$1-ca.pem" -CAkey "$work/$1-ca.key" -CAcreateserial \
        -extfile <(printf 'subjectAltName=DNS:%s\n' "$2") -out "$work/$1.crt" && cat "$work/$1.crt" "$work/$1.key" >"$work/$1.pem"
  } 2>/dev/null
  certificate good localhost
  certificate wrong elsewhere.example
  endpoint() { echo "https://localhost:$port"; }
  over_tls() { # NAME CA: RustFS with that certificate, and a daemon that trusts that CA
    end "$daemon" TERM
    end "$rustfs"
    echo alias/default >"$work/rustfs/key"
    : >"$work/rustfs/requests"
    start_double rustfs 0 "$work/$1.pem"
    rustfs=$double
    port=$(cat "$work/rustfs/port")
    start_daemon ${2:+--rustfs-ca-file "$work/$2-ca.pem"}
  }
  over_tls good good
  check "RustFS with a certificate of the given CA follows" 0 "$(wait_for 20 follows rotation-2024-09; echo $?)"
  over_tls wrong wrong
  check "one with another name does not" 0 "$(wait_for 20 errs NameMismatch; echo $?)"
  over_tls wrong good
  check "nor one of another CA" 0 "$(wait_for 20 errs "no TLS with"; echo $?)"
  over_tls good ""
  check "nor one that the system does not know" 0 "$(wait_for 20 errs "no TLS with"; echo $?)"
  check "and that one sees no request" 0 "$(wc -l <"$work/rustfs/requests")"
else
  echo "SKIP openssl is not installed: RustFS over TLS is not driven"
fi

report
