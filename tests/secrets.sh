#!/usr/bin/env bash
# Sends recognisable secrets to a kms-sidecar binary by every way in, rightly and wrongly, at log level debug, and then looks for them in everything
# that it wrote: logs, answers, metrics, and every file of its state and key directories. Keys are local first, then in a double of OpenBao.
#   tests/secrets.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
mkdir "$work/out" "$work/in"
secrets=$work/in/secrets # name and text of each, a line each
daemon= double=
end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
trap 'end "$daemon"; end "$double"; rm -rf "$work"' EXIT

# secret NAME [TEXT]: made up, or given; in the variable of that name from then on
secret() { printf -v "$1" %s "${2:-zq7$1$RANDOM$RANDOM}"; printf '%s\t%s\n' "$1" "${!1}" >>"$secrets"; }
for name in root user policy_user wrong_secret local_master token role_id secret_id wrong_token plain context_value context_name malformed query header path; do secret $name; done
secret node "$(openssl rand -base64 32)"
printf '%s' "$node" >"$work/in/master"
chmod 600 "$work/in/master"
secret static_material "$(openssl rand -base64 32)"
printf '%s' "static:$static_material" >"$work/in/static"
chmod 600 "$work/in/static"

# --- Vault
dotnet build tests/KmsSidecar.VaultDouble -c Release --nologo -v quiet >/dev/null || exit 1
dotnet .build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble.dll --listen 127.0.0.1:0 --ready-file "$work/in/vault" --root-token-file "$work/in/root" >/dev/null 2>&1 &
double=$!
wait_for 30 test -s "$work/in/vault" || { not_ok "start the double" "it is not ready"; report; exit 1; }
address=$(cat "$work/in/vault")
vault() { curl -sS --max-time 30 -H "X-Vault-Token: $(cat "$work/in/root")" -X "$1" -d "$3" "$address/v1/$2"; }
vault POST sys/mounts/transit '{"type":"transit"}'
vault POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
vault POST sys/auth/approle '{"type":"approle"}'
vault POST transit/keys/app '{"type":"aes256-gcm96"}' >/dev/null
vault POST auth/approle/role/app '{"token_policies":["root"],"token_ttl":"1h"}'
secret vault_token "$(text client_token "$(vault POST auth/token/create '{"policies":["root"],"ttl":"1h"}')")"
secret vault_role "$(text role_id "$(vault GET auth/approle/role/app/role-id '')")"
secret vault_secret_id "$(text secret_id "$(vault POST auth/approle/role/app/secret-id '{}')")"

# --- the daemon; what is kept of its answers is in $work/out, which is searched
start_daemon() { # FORMAT FLAG...
  local format=$1
  shift
  RUSTFS_ACCESS_KEY=zq7boss RUSTFS_SECRET_KEY=$root "$binary" serve --listen 127.0.0.1:0 --log-level debug --log-format "$format" --socket "$work/kms.sock" \
    --admin-socket "$work/admin.sock" --state-dir "$work/out/state" "$@" 2>"$work/out/log.$format" &
  daemon=$!
  wait_for 20 grep -q 'ready: .*http://127.0.0.1:' "$work/out/log.$format" || { cat "$work/out/log.$format"; not_ok "start" "the daemon is not ready"; report; exit 1; }
  url=$(grep 'ready: ' "$work/out/log.$format" | grep -oE 'http://127\.0\.0\.1:[0-9]+' | head -n 1)
  kms=$url/rustfs/admin/v3/kms
}
keep() { cat >>"$work/out/answers"; echo >>"$work/out/answers"; }
as() { curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user "$@"; }
boss() { as "zq7boss:$root" "$@"; }
admin() { curl -sS --max-time 60 --unix-socket "$work/admin.sock" "http://kms/rustfs/admin/v3/kms/$1" "${@:2}"; }
data() { curl -sS --max-time 30 --unix-socket "$work/kms.sock" "http://kms$1" "${@:2}"; }

bother() { # every way in, rightly and wrongly
  local key body
  key=$(data /v1/generate-data-key -d '{"encryption_context":{"'"$context_name"'":"'"$context_value"'"}}')
  secret "data_key_$RANDOM" "$(text plaintext_key "$key")"
  data /v1/decrypt -o /dev/null -d '{"ciphertext_blob":"'"$(text ciphertext_blob "$key")"'","encryption_context":{"'"$context_name"'":"'"$context_value"'"}}'
  data /v1/decrypt -d '{"ciphertext_blob":"'"$(text ciphertext_blob "$key")"'","encryption_context":{"'"$context_name"'":"other"}}' | keep
  data /v1/encrypt -d '{"plaintext":"'"$(printf %s "$plain" | base64)"'"}' | keep
  data /v1/encrypt -d '{"plaintext":"'"$plain"'"}' | keep
  data / -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.Encrypt' -d '{"KeyId":"app","Plaintext":"'"$(printf %s "$plain" | base64)"'"}' | keep
  for body in '{"'"$malformed"'":1}' '{"key_id":"'"$malformed"'" '"$malformed" "$malformed" '{"encryption_context":{"'"$malformed"'":1}}'; do
    data /v1/generate-data-key -d "$body" | keep
    admin reconfigure -d "$body" | keep
    boss -d "$body" "$kms/users" | keep
    data / -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.Decrypt' -d "$body" | keep
  done
  data "/v1/keys/$path?token=$query" -H "X-Vault-Token: $header" -H "Authorization: Bearer $header" | keep
  boss -H "X-Vault-Token: $header" "$kms/status?secret=$query" | keep
  curl -sS "$url/$path?X-Amz-Signature=$query&X-Amz-Credential=$query" | keep
  as "zq7boss:$wrong_secret" "$kms/status" | keep
  as "$wrong_secret:$wrong_secret" -H "x-amz-security-token: $wrong_token" "$kms/status" | keep
  curl -sS --aws-sigv4 aws:amz:us-east-1:sts --user "zq7boss:$root" -d 'Action=AssumeRole&Version=2011-06-15&Policy='"$malformed" "$url/" | keep
}
look() { # everything that tells of the daemon
  for route in status service-status config config/history config/diff users policies keys decrypt-only; do admin "$route" | keep; done
  curl -sS "$url/metrics" | keep
  curl -sS -H 'Accept: application/openmetrics-text' "$url/metrics" | keep
  curl --unix-socket "$work/admin.sock" -sS 'http://kms/readyz?format=json' | keep
}
switch() { # NAME MEMBERS, STATUS
  check "$1" "$3" "$(admin reconfigure -o "$work/answer" -w '%{http_code}' -d "{$2}")"
  keep <"$work/answer"
}

for format in json text; do
  echo "# log as $format"
  start_daemon $format --static-key-file "$work/in/static" --master-key-file "$work/in/master"
  if [ $format = json ]; then
    check "configure" 200 "$(admin configure -o "$work/answer" -w '%{http_code}' -d '{"backend_type":"local","key_dir":"'"$work"'/out/keys","default_key_id":"app","master_key":"'"$local_master"'"}')"
    keep <"$work/answer"
    check "start" 200 "$(admin start -X POST -o /dev/null -w '%{http_code}')"
  fi
  check "a user" 200 "$(boss -o "$work/answer" -w '%{http_code}' -d '{"access_key":"zq7ann-'$format'","secret_key":"'"$user"'","policies":["consoleAdmin"]}' "$kms/users")"
  assumed=$(curl -sS --aws-sigv4 aws:amz:us-east-1:sts --user "zq7ann-$format:$user" -d 'Action=AssumeRole&Version=2011-06-15' "$url/")
  part() { sed -nE "s|.*<$1>([^<]*)</$1>.*|\1|p" <<<"$assumed"; }
  secret "session_secret_$format" "$(part SecretAccessKey)"
  secret "session_token_$format" "$(part SessionToken)"
  check "a session" 200 "$(as "$(part AccessKeyId):$(part SecretAccessKey)" -H "x-amz-security-token: $(part SessionToken)" -o /dev/null -w '%{http_code}' "$kms/status")"
  bother
  look
  vault_members='"backend_type":"vault","address":"'"$address"'","default_key_id":"app"'
  switch "to Vault by a wrong token" "$vault_members"',"auth_method":{"token":"'"$wrong_token"'"}' 502
  switch "to Vault by a wrong secret id" "$vault_members"',"auth_method":{"approle":{"role_id":"'"$role_id"'","secret_id":"'"$secret_id"'"}}' 502
  switch "to Vault by token" "$vault_members"',"auth_method":{"token":"'"$vault_token"'"}' 200
  bother
  switch "to Vault by AppRole" "$vault_members"',"auth_method":{"approle":{"role_id":"'"$vault_role"'","secret_id":"'"$vault_secret_id"'"}}' 200
  bother
  look
  switch "to another local directory" '"backend_type":"local","key_dir":"'"$work"'/out/keys-'$format'","default_key_id":"app","master_key":"'"$local_master"'"' 200
  check "back to Vault" 200 "$(admin rollback -X POST -o "$work/answer" -w '%{http_code}')"
  curl -sS -o /dev/null -d '{"for":"5s"}' "$address/double/outage"
  bother
  look
  wait_for 30 curl -sf "$address/double/requests"
  switch "to the static key" '"backend_type":"static","default_key_id":"static"' 200
  bother
  look
  check "core dumps are off" 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$daemon/limits")"
  lacks "nothing in its arguments" zq7 "$(tr '\0' ' ' <"/proc/$daemon/cmdline" | sed "s|$work||g")"
  end "$daemon" TERM
  daemon=
done

echo "# what it wrote"
found() { grep -rlF -- "$1" "$work/out" 2>/dev/null; }
has "what may be told is found, so that looking works" log.json "$(found zq7boss; found zq7ann-json)"
has "and in answers" answers "$(found zq7ann-text)"
check "and in state, if it were there" "$work/out/state/planted" "$(echo "$local_master" >"$work/out/state/planted"; found "$local_master"; rm "$work/out/state/planted")"
while IFS=$'\t' read -r name value; do
  [ -n "$value" ] || { not_ok "$name" "there was none"; continue; }
  case $name in
    # What a caller names comes back to that caller, in the failure that says what is wrong with it; not in the log.
    malformed | role_id | vault_role | context_*) places=$(found "$value" | grep -v '/answers$') ;;
    # The name of a key that was asked for is what the audit log is for.
    path) places=$(found "$value" | grep -v -e '/answers$' -e '/audit/audit-[0-9]*\.jsonl$') ;;
    *) places=$(found "$value") ;;
  esac
  check "$name" "" "$places"
done <"$secrets"
report
