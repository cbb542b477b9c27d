#!/usr/bin/env bash
# Has a kms-sidecar binary made as files say, by its own `apply` and by the scripts for curl and awscurl: twice, after drift, after a kill, by two
# at once, and before the daemon, Vault and RustFS are there. Vault and RustFS are doubles, built or kept here.
#   tests/apply.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
chmod 755 "$work"
secret=apply-secret-$$
daemon= double= rustfs= waiting=
end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
trap 'end "$waiting"; end "$daemon"; end "$double"; end "$rustfs"; rm -rf "$work"' EXIT
unset KMS_SIDECAR_ENDPOINT VAULT_ADDR RUSTFS_ENDPOINT AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION
export KMS_SIDECAR_ADMIN_SOCKET=$work/admin.sock KMS_SIDECAR_SOCKET=$work/kms.sock

start_daemon() { # STATE-DIRECTORY
  : >"$work/log"
  RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=$secret "$binary" serve --listen 127.0.0.1:0 --log-format text --state-dir "$work/$1" 2>"$work/log" &
  daemon=$!
}
ready() {
  wait_for 30 grep -q 'ready: ' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
  url=$(sed -nE 's|.*ready: .*(http://127\.0\.0\.1:[0-9]+).*|\1|p' "$work/log" | tail -n 1)
}
admin() { curl -sS --max-time 60 --unix-socket "$work/admin.sock" "http://kms/rustfs/admin/v3/kms/$1" "${@:2}"; }
apply() { timeout 120 "$binary" apply -f "$@" 2>"$work/said"; }
says() { has "$1" "$2" "$(cat "$work/said")"; }
ends_with() { # NAME EXIT-CODE COMMAND...: what it prints is in $output
  output=$("${@:3}") && code=0 || code=$?
  check "$1" "$2" "$code"
}

echo "# the daemon comes later"
printf '%s\n' "ann-secret-$$" >"$work/ann" && chmod 600 "$work/ann"
cat >"$work/desired.json" <<JSON
{
  "configuration": { "backend_type": "local", "key_dir": "$work/keys", "default_key_id": "app", "cache_ttl_seconds": 900, "master_key": "inline-$$" },
  "keys": [
    { "key_id": "app", "description": "objects", "tags": { "team": "storage" } },
    { "key_id": "photos", "state": "Disabled" }
  ],
  "policies": { "photos-only": { "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:::key/photos" } } },
  "users": [{ "access_key": "ann", "policies": ["photos-only"], "secret_file": "ann" }]
}
JSON
ends_with "a file with a secret that others can read" 77 apply "$work/desired.json"
says "is refused with the mend" "chmod 600"
chmod 600 "$work/desired.json"
ends_with "without --wait nobody is waited for" 69 apply "$work/desired.json"
"$binary" apply -f "$work/desired.json" --wait 60s >"$work/waited" 2>"$work/said" & waiting=$!
wait_for 20 grep -q waiting "$work/said" && ok "it waits" || not_ok "it waits" "$(cat "$work/said")"
start_daemon state; ready
wait "$waiting"; check "until the daemon is there" 0 "$?"; waiting=
for line in "configuration: configured" "service: started" "key photos: created" "policy photos-only: created" "user ann: created"; do
  has "it says '$line'" "$line" "$(cat "$work/waited")"
done
lacks "and no secret" "inline-$$" "$(cat "$work/waited" "$work/said")"

echo "# again"
ends_with "a second run" 0 apply "$work/desired.json"
check "changes nothing" "no change" "$output"
ends_with "a dry run with nothing to do" 0 apply "$work/desired.json" --dry-run
ends_with "over TCP" 0 env AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY="$secret" "$binary" apply -f "$work/desired.json" --endpoint "$url"
check "it is the same" "no change" "$output"
has "as JSON" '"changed":false' "$(apply "$work/desired.json" --json)"
has "the user's secret is the file's" '"KeyId"' "$(curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:kms --user "ann:ann-secret-$$" \
  -H 'X-Amz-Target: TrentService.DescribeKey' -H 'Content-Type: application/x-amz-json-1.1' -d '{"KeyId":"photos"}' "$url/")"

echo "# drift"
admin reconfigure -d '{"cache_ttl_seconds":60,"max_cached_keys":5}' >/dev/null
admin keys/enable -d '{"key_id":"photos"}' >/dev/null
admin users/update -d '{"access_key":"ann","policies":["KMSAuditor"],"status":"disabled"}' >/dev/null
admin policies/photos-only -X PUT -d '{"Statement":{"Effect":"Allow","Action":"kms:ListKeys"}}' >/dev/null
before=$(admin config/history)
ends_with "a dry run finds it" 1 apply "$work/desired.json" --dry-run
has "what a file does not name is its default again" "max_cached_keys 5 -> default" "$output"
check "and changes nothing" "$before" "$(admin config/history)"
ends_with "apply" 0 apply "$work/desired.json"
for line in "cache_ttl_seconds 60 -> 900" "key photos: disabled" "policy photos-only: replaced" "user ann: changed (policies)"; do has "mends '$line'" "$line" "$output"; done
lacks "what the file does not name stays" enabled "$output"
check "and is done" "no change" "$(apply "$work/desired.json")"
sed "s/inline-$$/another-$$/; s|$work/keys|$work/keys2|" "$work/desired.json" >"$work/other.json" && chmod 600 "$work/other.json"
has "another inline secret is seen" "master_key [redacted] -> [redacted]" "$(apply "$work/other.json" --dry-run)"

echo "# another default key, stop, two at once"
sed 's/"default_key_id": "app"/"default_key_id": "rotation-2"/; s/"key_id": "photos", "state": "Disabled"/"key_id": "rotation-2"/' "$work/desired.json" >"$work/next.json"
chmod 600 "$work/next.json"
"$binary" apply -f "$work/next.json" >"$work/one" 2>&1 & one=$!
"$binary" apply -f "$work/next.json" >"$work/two" 2>&1 & two=$!
wait "$one"; check "one of two at once" 0 "$?"
wait "$two"; check "the other one" 0 "$?"
has "the new default key was made" "key rotation-2: created" "$(cat "$work/one" "$work/two")"
check "both are done" "no change" "$(apply "$work/next.json")"
has "it is the default key" '"key_id":"rotation-2"' "$(curl -sS --unix-socket "$work/kms.sock" -d '{}' http://kms/v1/generate-data-key)"
ends_with "stop" 0 apply - <<<'{"state":"Configured"}'
has "it is stopped" '"status":"Configured"' "$(admin status)"
ends_with "and started" 0 apply "$work/next.json"
check "nothing else" "service: started" "$output"

echo "# what cannot be"
ends_with "an unknown member" 65 apply - <<<'{"users":[{"access_key":"bob","group":"x"}]}'
says "is named" "users[0].group"
ends_with "an unknown field of the configuration" 65 apply - <<<'{"configuration":{"backend_type":"local","keydir":"/x"}}'
says "is named, too" keydir
ends_with "no JSON" 65 apply - <<<'{"keys":['
ends_with "no file" 66 apply "$work/nowhere.json"
ends_with "keys of a stopped service" 65 apply - <<<'{"state":"Configured","keys":[{"key_id":"x"}]}'
ends_with "a user without a secret, and one behind it" 65 apply - \
  <<<'{"policies":{"first":{"Statement":{"Effect":"Allow","Action":"kms:*"}}},"users":[{"access_key":"bob"},{"access_key":"ann"}]}'
has "what is done is said" "policy first: created" "$output"
says "and what is not" "not done: user bob, user ann"

echo "# the scripts"
printf '{"backend_type":"local","key_dir":"%s/script-keys","default_key_id":"app","cache_ttl_seconds":900}' "$work" >"$work/plain.json"
end "$daemon" TERM
KMS_SIDECAR_ADMIN_SOCKET=$work/admin.sock scripts/apply-curl.sh -w 60 "$work/plain.json" >"$work/waited" 2>"$work/said" & waiting=$!
wait_for 20 grep -q waiting "$work/said" && ok "apply-curl.sh waits" || not_ok "apply-curl.sh waits" "$(cat "$work/said")"
start_daemon script-state; ready
wait "$waiting"; check "until the daemon is there" 0 "$?"; waiting=
check "it configures and starts" "configuration: changed service: started" "$(paste -sd' ' "$work/waited")"
check "once" "no change" "$(scripts/apply-curl.sh "$work/plain.json")"
export AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY=$secret
check "the same over TCP" "no change" "$(KMS_SIDECAR_ENDPOINT=$url scripts/apply-curl.sh "$work/plain.json")"
awscurl=$(command -v awscurl || echo tests/awscurl-double.sh)
admin reconfigure -d '{"cache_ttl_seconds":60}' >/dev/null
with_awscurl() { AWSCURL=$awscurl KMS_SIDECAR_ENDPOINT=$url scripts/apply-awscurl.sh "$@"; }
ends_with "apply-awscurl.sh ($awscurl) sees a difference" 1 with_awscurl -n "$work/plain.json"
check "mends it" "configuration: changed" "$(with_awscurl "$work/plain.json")"
check "once" "no change" "$(with_awscurl "$work/plain.json")"
ends_with "a refusal ends it" 65 with_awscurl <(echo '{"backend_type":"local","keydir":"/x"}') 2>"$work/said"
says "with the daemon's reason" keydir
AWS_SECRET_ACCESS_KEY=wrong ends_with "so does a wrong secret" 65 with_awscurl "$work/plain.json" 2>"$work/said"
ends_with "usage" 64 scripts/apply-curl.sh 2>/dev/null
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

echo "# RustFS comes later"
mkdir "$work/rustfs" && echo not-ready >"$work/rustfs/fault"
python3 tests/rustfs-double.py 0 "$work/rustfs" 2>/dev/null & rustfs=$!
wait_for 20 test -s "$work/rustfs/port"
rustfs_url=http://127.0.0.1:$(cat "$work/rustfs/port")
ends_with "a RustFS that is not ready" 69 apply "$work/plain.json" --wait 1s --rustfs-endpoint "$rustfs_url"
"$binary" apply -f "$work/plain.json" --wait 60s --rustfs-endpoint "$rustfs_url" >"$work/waited" 2>"$work/said" & waiting=$!
wait_for 20 grep -q RustFS "$work/said" && ok "is waited for" || not_ok "is waited for" "$(cat "$work/said")"
rm "$work/rustfs/fault"
wait "$waiting"; check "until it is" 0 "$?"; waiting=
RUSTFS_ENDPOINT=$rustfs_url ends_with "by the script, too" 0 scripts/apply-curl.sh -w 30 "$work/plain.json"

echo "# Vault comes later, and apply is killed meanwhile"
dotnet build tests/KmsSidecar.VaultDouble -c Release --nologo -v quiet >/dev/null || exit 1
dotnet .build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble.dll --listen 127.0.0.1:0 --ready-file "$work/vault" \
  --root-token-file "$work/root" >"$work/vault.log" 2>&1 & double=$!
wait_for 30 test -s "$work/vault" || { cat "$work/vault.log"; not_ok "start the double" "it is not ready"; report; exit 1; }
address=$(cat "$work/vault")
vault() { curl -sS --max-time 30 -H "X-Vault-Token: $(cat "$work/root")" -X "$1" ${3:+-d "$3"} "$address/v1/$2"; }
vault POST sys/mounts/transit '{"type":"transit"}'
vault POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
curl -sS -X POST "$address/double/seal" >/dev/null
end "$daemon" TERM
start_daemon vault-state; ready
cat >"$work/vault.json" <<JSON
{
  "configuration": { "backend_type": "vault", "address": "$address", "auth_method": { "token": "$(tr -d '\n' <"$work/root")" }, "default_key_id": "objects",
                     "retry_attempts": 1, "timeout_seconds": 5 },
  "keys": [{ "key_id": "objects", "description": "made by apply" }]
}
JSON
chmod 600 "$work/vault.json"
"$binary" apply -f "$work/vault.json" --wait 60s >"$work/waited" 2>"$work/said" & waiting=$!
wait_for 20 grep -q waiting "$work/said" && ok "Vault is waited for" || not_ok "Vault is waited for" "$(cat "$work/said" "$work/waited")"
end "$waiting"; waiting=
"$binary" apply -f "$work/vault.json" --wait 60s >"$work/waited" 2>"$work/said" & waiting=$!
wait_for 20 grep -q waiting "$work/said"
curl -sS -X POST "$address/double/unseal" >/dev/null
wait "$waiting"; check "the next run goes on, and ends when Vault is there" 0 "$?"; waiting=
has "the default key is made on a backend that makes none by itself" "key objects: created" "$(cat "$work/waited")"
has "it wraps" '"key_id":"objects"' "$(curl -sS --unix-socket "$work/kms.sock" -d '{}' http://kms/v1/generate-data-key)"
check "and nothing is left to do" "no change" "$(apply "$work/vault.json")"
lacks "the token is in no output" "$(tr -d '\n' <"$work/root")" "$(cat "$work/waited" "$work/said" "$work/log")"

echo "# bench"
ends_with "a second of data keys" 0 "$binary" bench --duration 1 --connections 4 --operation decrypt --json 2>/dev/null
has "no errors" '"errors":{}' "$output"
"$binary" bench --duration 60 --connections 2 >"$work/bench" 2>&1 & waiting=$!
wait_for 20 grep -q 'data keys are real' "$work/bench"
kill -TERM "$waiting" # as Ctrl-C does, which a job of a script ignores
check "a signal ends it before its time" 0 "$(wait_for 20 eval '! kill -0 "$waiting"'; echo $?)"
wait "$waiting"; check "and well" 0 "$?"; waiting=
has "with what it has" p99 "$(cat "$work/bench")"
ends_with "no socket" 69 "$binary" bench --socket "$work/nowhere" 2>/dev/null
ends_with "more than a minute" 64 "$binary" bench --duration 61 2>/dev/null

report
