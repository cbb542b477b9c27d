#!/usr/bin/env bash
# Walks a kms-sidecar binary through the Dynamic KMS Configuration Playbook on the local backend: its own commands on port 9000, with
# curl --aws-sigv4 in the place of awscurl (which is used as well where it is installed), and checks the state before, between and after.
#   tests/playbook.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
port=${KMS_PLAYBOOK_PORT:-9000}
work=$(mktemp -d)
socket=$work/kms.sock
kms=http://localhost:$port/rustfs/admin/v3/kms
daemon=

start_daemon() {
  RUSTFS_ACCESS_KEY=admin RUSTFS_SECRET_KEY=admin "$binary" serve --listen "localhost:$port" \
    --socket "$socket" --admin-socket "$work/admin.sock" --state-dir "$work/state" 2>>"$work/log" &
  daemon=$!
  wait_for 20 curl -sf "http://localhost:$port/livez" || { tail -n 5 "$work/log"; not_ok "start" "the daemon does not answer"; report; exit 1; }
}

kill_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'kill_daemon KILL; rm -rf "$work"' EXIT

# The playbook's `awscurl --service s3 --region us-east-1 --access_key admin --secret_key admin ... URL`
signed() { curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user admin:admin "$@"; }
status_of() { signed -o /dev/null -w '%{http_code}' "$@"; }
data() { curl -sS --max-time 30 --unix-socket "$socket" "$@"; }

echo "# before anything is configured"
start_daemon
has "status says NotConfigured" '"status":"NotConfigured"' "$(signed "$kms/status")"
check "a data key is refused with 503" 503 "$(data -o /dev/null -w '%{http_code}' -d '{}' http://kms/v1/generate-data-key)"
check "start without a configuration is refused" 409 "$(status_of -X POST "$kms/start")"

echo "# initial configuration flow"
answer=$(signed -X POST -d '{
       "backend_type": "local",
       "key_dir": "'"$work"'/kms-keys",
       "default_key_id": "rustfs-master",
       "enable_cache": true,
       "cache_ttl_seconds": 900
     }' "$kms/configure")
check "configure" '{"success":true,"message":"KMS configured successfully","status":"Configured"}' "$answer"
has "status says Configured" '"status":"Configured"' "$(signed "$kms/status")"
check "start" '{"success":true,"message":"KMS service started successfully","status":"Running"}' "$(signed -X POST "$kms/start")"
status=$(signed "$kms/status")
has "status says Running" '"status":"Running"' "$status"
has "status has a backend summary" '"backend_summary":{"backend_type":"local"' "$status"
has "status names the default key" '"default_key_id":"rustfs-master"' "$status"

echo "# data keys, and a kill in the middle"
context='"encryption_context":{"bucket":"bucket/path/object.txt"}'
first=$(data -d "{$context}" http://kms/v1/generate-data-key)
check "a data key comes from the default key" rustfs-master "$(text key_id "$first")"
opens() { # NAME, answer of generate: its blob opens to its plaintext
  local opened
  opened=$(data -d "{\"ciphertext_blob\":\"$(text ciphertext_blob "$2")\",$context}" http://kms/v1/decrypt)
  check "$1" "$(text plaintext_key "$2")" "$(text plaintext_key "$opened")"
}
opens "it opens" "$first"
kill_daemon KILL
start_daemon
has "after kill -9 the service is running again" '"status":"Running"' "$(signed "$kms/status")"
opens "the data key from before the kill opens" "$first"

echo "# rotating the default key"
created=$(signed -X POST -d '{ "KeyUsage": "ENCRYPT_DECRYPT", "Description": "rotation-2024-09" }' "$kms/keys")
has "the new key has the description as its id" '"key_id":"rotation-2024-09"' "$created"
answer=$(signed -X POST -d '{
       "backend_type": "local",
       "default_key_id": "rotation-2024-09"
     }' "$kms/reconfigure")
has "reconfigure with two fields" '"success":true' "$answer"
status=$(signed "$kms/status")
has "the new default is in effect" '"default_key_id":"rotation-2024-09"' "$status"
has "omitted fields keep their values" '"cache_ttl_seconds":900' "$status"
second=$(data -d "{$context}" http://kms/v1/generate-data-key)
check "new data keys come from it" rotation-2024-09 "$(text key_id "$second")"
opens "the former default still opens" "$first"

echo "# rolling cache or timeout changes"
answer=$(signed -X POST -d '{
    "enable_cache": true,
    "max_cached_keys": 2048,
    "cache_ttl_seconds": 600,
    "timeout_seconds": 20
  }' "$kms/reconfigure")
has "reconfigure without backend_type" '"success":true' "$answer"
status=$(signed "$kms/status")
has "cache size" '"max_cached_keys":2048' "$status"
has "cache time" '"cache_ttl_seconds":600' "$status"
has "timeout" '"timeout_seconds":20' "$status"
has "the default key is kept" '"default_key_id":"rotation-2024-09"' "$status"
check "clear-cache" 200 "$(status_of -X POST "$kms/clear-cache")"

echo "# pausing the service"
has "stop" '"status":"Configured"' "$(signed -X POST "$kms/stop")"
check "a paused service refuses with 503" 503 "$(data -o /dev/null -w '%{http_code}' -d '{}' http://kms/v1/generate-data-key)"
kill_daemon TERM
start_daemon
has "a paused service stays paused over a restart" '"status":"Configured"' "$(signed "$kms/status")"
has "start again" '"status":"Running"' "$(signed -X POST "$kms/start")"
opens "the first data key still opens" "$first"
opens "the second data key still opens" "$second"

echo "# rollback"
check "a configuration that cannot work changes nothing" 404 "$(status_of -X POST -d '{"default_key_id":"no-such-key"}' "$kms/reconfigure")"
has "the default is as before" '"default_key_id":"rotation-2024-09"' "$(signed "$kms/status")"
has "history says what changed" '"changed":["timeout_seconds","max_cached_keys","cache_ttl_seconds"]' "$(signed "$kms/config/history")"
has "rollback by one call" '"success":true' "$(signed -X POST "$kms/rollback")"
has "the cache time is the former one" '"cache_ttl_seconds":900' "$(signed "$kms/status")"
has "rollback once more" '"success":true' "$(signed -X POST "$kms/rollback")"
has "the default key is the former one" '"default_key_id":"rustfs-master"' "$(signed "$kms/status")"
opens "the second data key still opens after the rollbacks" "$second"

echo "# kill -9 while the configuration changes"
for round in 1 2 3 4 5; do
  for i in $(seq 1 50); do signed -o /dev/null -X POST -d "{\"cache_ttl_seconds\":$((round * 100 + i))}" "$kms/reconfigure" 2>/dev/null; done &
  changes=$!
  sleep "0.$((round * 13 + 10))"
  kill_daemon KILL
  kill "$changes" 2>/dev/null
  wait "$changes" 2>/dev/null
  start_daemon
  has "round $round: running again" '"status":"Running"' "$(signed "$kms/status")"
  opens "round $round: the first data key opens" "$first"
done

lacks "no stored configuration was damaged" damaged "$(cat "$work/log")"
lacks "no secret in the log" "$(text plaintext_key "$first")" "$(cat "$work/log")"

if command -v awscurl >/dev/null; then
  echo "# the playbook's own client"
  has "awscurl reads the status" '"status"' \
    "$(awscurl --service s3 --region us-east-1 --access_key admin --secret_key admin "$kms/status")"
fi

report
