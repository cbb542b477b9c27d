#!/usr/bin/env bash
# The audit log of a kms-sidecar binary: what is in it after calls over each door, what is found when it is tampered with, and what it is after kill -9,
# on a full disk and over rotations. The chain is checked by the script of docs/audit.md, too, and its heads by openssl.
#   tests/audit.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
kms=http://kms/rustfs/admin/v3/kms
secret=audit-secret-$$
daemon='' load=''
sed -n '/^```python$/,/^```$/{/^```/d;p}' docs/audit.md >"$work/chain.py"

# start NAME FLAGS...: a daemon whose state is of that name; sets $state, $log and $port
start() {
  state=$work/$1/state log=$work/$1/state/audit
  mkdir -p "$work/$1"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  RUSTFS_ACCESS_KEY=auditor RUSTFS_SECRET_KEY=$secret "$binary" serve --listen "127.0.0.1:$port" --socket "$work/kms.sock" \
    --admin-socket "$work/admin.sock" --state-dir "$state" --config "$work/none.conf" "${@:2}" 2>>"$work/log" &
  daemon=$!
  wait_for 30 admin -f http://kms/livez || { tail -n 5 "$work/log"; not_ok "start" "the daemon does not answer"; report; exit 1; }
}

end() { kill "-${1:-TERM}" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; daemon=''; }
clean_up() {
  [ -z "$daemon" ] || end KILL
  [ -z "$load" ] || { kill "$load" 2>/dev/null; wait "$load" 2>/dev/null; }
  mountpoint -q "$work/small" && umount "$work/small"
  rm -rf "$work"
}
trap clean_up EXIT
: >"$work/none.conf"

admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "$@"; }
data() { curl -sS --max-time 30 --unix-socket "$work/kms.sock" "$@"; }
signed() { curl -sS --max-time 30 --aws-sigv4 "aws:amz:us-east-1:${service:-s3}" --user "auditor:$secret" "$@"; }
code() { "$@" -o /dev/null -w '%{http_code}'; }
run_service() {
  admin -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys-$1\",\"default_key_id\":\"main\"}" "$kms/configure"
  admin -o /dev/null -X POST "$kms/start"
}
verify() { "$binary" audit verify --config "$work/none.conf" --state-dir "$state" "$@"; }
# line TEXT...: the newest line that has every text
line() { local found; found=$(cat "$log"/audit-*.jsonl); for text in "$@"; do found=$(grep -F -- "$text" <<<"$found"); done; tail -n 1 <<<"$found"; }

echo "# what is recorded"
start life
run_service life
data -o /dev/null -d '{"encryption_context":{"bucket":"b","object":"o"}}' http://kms/v1/generate-data-key
signed -o /dev/null -d '{"key_name":"second"}' "http://127.0.0.1:$port/rustfs/admin/v3/kms/keys"
service=kms signed -o /dev/null -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.GenerateDataKey' -d '{"KeyId":"alias/second","KeySpec":"AES_256"}' "http://127.0.0.1:$port/"
check "a bad signature" 403 "$(code curl -sS --aws-sigv4 aws:amz:us-east-1:s3 --user auditor:wrong "http://127.0.0.1:$port/rustfs/admin/v3/kms/keys")"
check "a key that there is not" 404 "$(code data -d '{"key_id":"nope"}' http://kms/v1/generate-data-key)"
if command -v aws >/dev/null; then
  AWS_ACCESS_KEY_ID=auditor AWS_SECRET_ACCESS_KEY=$secret AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url "http://127.0.0.1:$port" kms list-keys >/dev/null
fi
end
has "data socket: the process that asked" "\"surface\":\"data_socket\",\"uid\":$(id -u),\"gid\":$(id -g),\"pid\":" "$(line '"operation":"POST /v1/generate-data-key"' '"context_hash"')"
has "with its key and version" '"key_id":"main","key_version":1,' "$(line '"context_hash"')"
lacks "and without the context" '"bucket"' "$(cat "$log"/audit-*.jsonl)"
has "TCP: the access key" '"surface":"tcp","address":"127.0.0.1","access_key":"auditor","key_id":"second"' "$(line '"kind":"admin"' '/kms/keys"')"
has "AWS API: the key behind the alias" '"key_id":"second","key_version":1,"result":"ok"' "$(line 'TrentService.GenerateDataKey')"
has "a bad signature" '"result":"SignatureDoesNotMatch","status":403' "$(line '"kind":"access"')"
has "a failure, with the name that was asked for" '"key_id":"nope","result":"KeyNotFound","status":404' "$(line KeyNotFound)"
if command -v aws >/dev/null; then has "aws CLI" '"access_key":"auditor"' "$(line TrentService.ListKeys)"; fi
has "found by its context" '"key_id":"main"' "$("$binary" audit show --config "$work/none.conf" --state-dir "$state" --context '{"object":"o","bucket":"b"}')"

echo "# verify, and two others who do"
key=$(ls "$log"/key-*.pem)
verified=$(verify)
check "clean" 0 $?
has "says so" "nothing changed" "$verified"
verify --key "$key" >/dev/null; check "clean by the public key" 0 $?
python3 "$work/chain.py" "$log" "$key"; check "clean by the script of the docs, heads by openssl" 0 $?
file=$(ls "$log"/audit-*.jsonl)
cp "$file" "$work/original"
tampered() { # NAME SED KIND LINE
  sed -i "$2" "$file"
  local found
  found=$(verify)
  check "$1: found" 65 $?
  has "$1: where" "$(basename "$file"):$4: $3: " "$found"
  [ "$3" = cut ] || { python3 "$work/chain.py" "$log" "$key" 2>/dev/null; check "$1: the script finds it, too" 1 $?; }
  cp "$work/original" "$file"
}
tampered "a changed line" '4s/"status":200/"status":500/' changed 4
tampered "a removed line" 4d removed 4
tampered "two swapped lines" '4{h;d};5{G}' moved 5
tampered "a cut end" '5,$d' cut 4
tampered "an edited head" '$s/"kind":"head"/"kind":"hoax"/' changed "$(wc -l <"$file")"
verify --json | grep -q '"ok":true'; check "and clean again, in JSON" 0 $?
mkdir "$work/empty"; verify --audit-dir "$work/empty" --key "$key" >/dev/null; check "no log at all is not a clean one" 66 $?

echo "# kill -9 under load"
start killed
run_service killed
(while :; do data -o /dev/null -d '{"count":4}' http://kms/v1/generate-data-key; done) 2>/dev/null &
load=$!
many() { [ "$(cat "$log"/audit-*.jsonl | wc -l)" -gt 60 ]; }
wait_for 60 many; check "lines come" 0 $?
beside=0
for _ in $(seq 20); do verify >/dev/null || beside=$?; done
check "clean while it is written, each time" 0 $beside
end KILL
kill "$load" 2>/dev/null; wait "$load" 2>/dev/null; load=''
printf '{"seq":9999,"ti' >>"$(ls "$log"/audit-*.jsonl | tail -n 1)"
start killed
end
verify >/dev/null; check "clean after it" 0 $?
has "half a line was found" '"torn_bytes":15' "$(line '"torn_bytes"')"
python3 "$work/chain.py" "$log" "$(ls "$log"/key-*.pem)" 2>/dev/null; check "which the script stumbles over" 1 $?

echo "# rotation"
start rotated --audit-file-size 64K --audit-keep 128K
run_service rotated
items=$(printf '{"ciphertext_blob":"AAAA"},%.0s' $(seq 63))
for _ in $(seq 16); do data -o /dev/null -d "{\"items\":[$items{\"ciphertext_blob\":\"AAAA\"}]}" http://kms/v1/decrypt; admin -o /dev/null -X POST "$kms/clear-cache"; done
end
has "the oldest files went" '"kind":"removed"' "$(line '"kind":"removed"')"
found=$(verify)
check "and nothing is missing" 0 $?
has "but what went" "were removed to make room" "$found"
rm "$(ls "$log"/audit-*.jsonl | sed -n 2p)"
verify >/dev/null; check "a file from the middle is" 65 $?

echo "# a full disk"
mkdir "$work/small"
if mount -t tmpfs -o size=256k tmpfs "$work/small" 2>/dev/null; then
  fill() { cat /dev/zero >"$work/small/filler" 2>/dev/null; }
  for rule in continue refuse; do
    start "$rule" --audit-dir "$work/small/$rule" --audit-full "$rule"
    run_service "$rule"
    fill
    failing() { admin -o /dev/null -X POST "$kms/clear-cache"; admin http://kms/metrics | grep -q '^kms_sidecar_audit_failing 1'; }
    # A page that is begun has room for a few lines.
    wait_for 30 failing; check "$rule: is told by the metric" 0 $?
    if [ "$rule" = continue ]; then
      check "continue: stays ready" 200 "$(code admin http://kms/readyz)"
      check "continue: data keys go on" 200 "$(code data -d '{}' http://kms/v1/generate-data-key)"
    else
      has "refuse: not ready" AuditUnavailable "$(admin http://kms/readyz)"
      has "refuse: no data key" AuditUnavailable "$(data -d '{}' http://kms/v1/generate-data-key)"
      check "refuse: no change" 503 "$(code admin -X POST "$kms/clear-cache")"
    fi
    rm "$work/small/filler"
    recovered() { admin http://kms/metrics | grep -q '^kms_sidecar_audit_failing 0'; }
    wait_for 30 recovered; check "$rule: goes on by itself" 0 $?
    check "$rule: and data keys" 200 "$(code data -d '{}' http://kms/v1/generate-data-key)"
    end
    verify --audit-dir "$work/small/$rule" >/dev/null; check "$rule: nothing is missing" 0 $?
  done
  has "the log says so" "the audit log is not written" "$(cat "$work/log")"
else
  echo "skip: a tmpfs cannot be mounted here"
fi

lacks "no secret in any of it" "$secret" "$(cat "$work"/*/state/audit/*.jsonl "$work/log")"
report
