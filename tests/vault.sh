#!/usr/bin/env bash
# Drives a kms-sidecar binary whose keys move from a local directory to Vault and back, beside a double of OpenBao that is built here.
# The policies are those of docs/vault.md, to the letter.
#   tests/vault.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
#   OUTAGE=60 tests/vault.sh     Vault away for so many seconds; default 6
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
outage=${OUTAGE:-6}
work=$(mktemp -d)
daemon= second= double= load=
end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
trap 'end "$load"; end "$daemon"; end "$second"; end "$double"; rm -rf "$work"' EXIT

# --- Vault: a double with TLS, asked by curl as the vault command would
dotnet build tests/KmsSidecar.VaultDouble -c Release --nologo -v quiet || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=test CA" -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=vault" -keyout "$work/vault.key" -out "$work/vault.csr" 2>/dev/null
openssl x509 -req -in "$work/vault.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/vault.pem" \
  -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") 2>/dev/null
dotnet .build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble.dll --listen 127.0.0.1:0 --ready-file "$work/vault" \
  --root-token-file "$work/root" --tls-cert "$work/vault.pem" --tls-key "$work/vault.key" >"$work/vault.log" 2>&1 &
double=$!
wait_for 30 test -s "$work/vault" || { cat "$work/vault.log"; not_ok "start the double" "it is not ready"; report; exit 1; }
address=$(cat "$work/vault")
double_is() { curl -sS --max-time 30 --cacert "$work/ca.pem" "$address/double/$1" "${@:2}"; }
is_away() { ! double_is requests -o /dev/null; }
goes_away() { # Vault, for $outage s; it is away when this returns
  double_is outage -d '{"for":"'"$outage"'s"}' >/dev/null
  wait_for 5 is_away
}
vault() { # METHOD PATH [JSON]
  curl -sS --max-time 30 --cacert "$work/ca.pem" -H "X-Vault-Token: $(cat "$work/root")" -X "$1" ${3:+-d "$3"} "$address/v1/$2"
}
policy() { # BACKEND: as the page has it, as a JSON string
  awk -v begin="hcl policy=$1" 'on && /```/ { exit } on { sub(/^   /, ""); gsub(/"/, "\\\""); printf "%s\\n", $0 } index($0, begin) && index($0, begin) + length(begin) > length($0) { on = 1 }' docs/vault.md
}
role() { # BACKEND: an AppRole with that policy
  vault PUT "sys/policies/acl/$1" "{\"policy\":\"$(policy "$1")\"}"
  vault POST "auth/approle/role/$1" "{\"token_policies\":[\"$1\"],\"token_ttl\":\"1h\",\"token_max_ttl\":\"24h\"}"
}
logins() { # accessors of the tokens of AppRole log-ins that are alive
  local accessor
  for accessor in $(vault LIST auth/token/accessors | grep -o '"[A-Za-z0-9.]\{16,\}"' | tr -d '"'); do
    case $(vault POST auth/token/lookup-accessor "{\"accessor\":\"$accessor\"}") in *'"path":"auth/approle/login"'*) echo "$accessor" ;; esac
  done
}
role_id() { text role_id "$(vault GET "auth/approle/role/$1/role-id")"; }
secret_id() { text secret_id "$(vault POST "auth/approle/role/$1/secret-id")"; }
approle() { echo "{\"approle\":{\"role_id\":\"$(role_id "$1")\",\"secret_id\":\"$(secret_id "$1" | tee -a "$work/secrets")\"}}"; }

vault POST sys/mounts/transit '{"type":"transit"}'
vault POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
vault POST sys/auth/approle '{"type":"approle"}'
for backend in vault vault-transit vault-kv2; do role "$backend"; done

# --- the daemon
kms=http://kms/rustfs/admin/v3/kms
start_daemon() { # NAME
  "$binary" serve --listen none --log-format text --socket "$work/$1.sock" --admin-socket "$work/$1-admin.sock" --state-dir "$work/$1-state" \
    --allow-immediate-deletion 2>>"$work/$1.log" &
  pid=$!
  wait_for 20 grep -q 'ready: ' "$work/$1.log" || { cat "$work/$1.log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
}
admin() { curl -sS --max-time 60 --unix-socket "$work/a-admin.sock" "$kms/$1" "${@:2}"; }
code() { admin "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
data() { curl -sS --max-time 30 --unix-socket "$work/a.sock" "http://kms/v1/$1" "${@:2}"; }
data_code() { data "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
generate() { data generate-data-key -d '{"encryption_context":{"bucket":"bucket/key"}'"${1:+,\"key_id\":\"$1\"}"'}'; }
open_it() { data decrypt -d '{"ciphertext_blob":"'"$(text ciphertext_blob "$1")"'","encryption_context":{"bucket":"bucket/key"}}'; }
opens() { # NAME DATA-KEY...: each opens to what it was made with
  local name=$1 key wrong=0
  shift
  for key; do [ -n "$(text plaintext_key "$key")" ] && [ "$(text plaintext_key "$(open_it "$key")")" = "$(text plaintext_key "$key")" ] || wrong=$((wrong + 1)); done
  check "$name ($# of them)" 0 "$wrong"
}
status_is() { has "$1" "$2" "$(admin status)"; }

start_daemon a; daemon=$pid
check "local, configured" 200 "$(code configure -d '{"backend_type":"local","key_dir":"'"$work"'/keys","default_key_id":"rustfs-master"}')"
check "local, started" 200 "$(code start -X POST)"
local_keys=(); for i in 1 2 3 4 5 6; do local_keys+=("$(generate)"); done
opens "local data keys" "${local_keys[@]}"

echo "# the playbook's switch, under load"
(
  while [ ! -e "$work/enough" ]; do
    key=$(generate)
    [ "$(text plaintext_key "$(open_it "$key")")" = "$(text plaintext_key "$key")" ] && [ -n "$key" ] && echo good || echo "bad: $key $(open_it "$key")"
  done
) >"$work/load" 2>&1 &
load=$!
to_vault() { # MEMBERS...
  echo '{"backend_type":"vault","address":"'"$address"'","ca_cert_path":"'"$work"'/ca.pem","mount_path":"transit","kv_mount":"secret",
    "key_path_prefix":"rustfs/kms/keys","default_key_id":"rustfs-master","retry_attempts":2,"timeout_seconds":20'"${1:+,$1}"'}'
}
refusal() { admin reconfigure -d "$(to_vault "$1")"; }
login=$(approle vault)
has "another authority" "ca_cert_path" "$(admin reconfigure -d "$(to_vault "\"auth_method\":$login" | sed 's/"ca_cert_path":"[^"]*",//')")"
has "a wrong secret id" "invalid role or secret" "$(refusal "\"auth_method\":{\"approle\":{\"role_id\":\"$(role_id vault)\",\"secret_id\":\"wrong-$$\"}}")"
has "a default key that is not there" "vault write transit/keys/rustfs-master type=aes256-gcm96" "$(refusal "\"auth_method\":$login")"
has "a mount that is not there" "nowhere" "$(admin reconfigure -d "$(to_vault "\"auth_method\":$login" | sed 's/"mount_path":"transit"/"mount_path":"nowhere"/')")"
vault PUT sys/policies/acl/vault "{\"policy\":\"$(policy vault | sed 's/transit.encrypt/transit\/elsewhere/')\"}"
has "a policy that is too narrow names what is missing" "transit/encrypt/" "$(refusal "\"auth_method\":$login")"
vault PUT sys/policies/acl/vault "{\"policy\":\"$(policy vault)\"}"
status_is "still local" '"backend_type":"local"'
vault POST transit/keys/rustfs-master '{"type":"aes256-gcm96"}' >/dev/null
check "dry run" 200 "$(code 'reconfigure?dry_run=true' -d "$(to_vault "\"auth_method\":$login")")"
status_is "changes nothing" '"backend_type":"local"'
check "to Vault" 200 "$(code reconfigure -d "$(to_vault "\"auth_method\":$login")")"
status_is "in Vault" '"backend_type":"vault"'
status_is "the local one is decrypt-only" '"decrypt_only":[{"name":"local-'
status_is "logged in" '"authenticated":true'
opens "old data keys" "${local_keys[@]}"
vault_keys=(); for i in 1 2 3; do vault_keys+=("$(generate)"); done
opens "new ones" "${vault_keys[@]}"
has "wrapped by Transit" "118 97 117 108 116 58 118 49" "$(text ciphertext_blob "${vault_keys[0]}" | base64 -d | sed 's/,/ /g')"
check "another context" 400 "$(data_code decrypt -d '{"ciphertext_blob":"'"$(text ciphertext_blob "${vault_keys[0]}")"'","encryption_context":{"bucket":"other"}}')"

echo "# rotating the default key"
check "make it" 200 "$(code keys -d '{"KeyUsage":"ENCRYPT_DECRYPT","Description":"rotation-2024-09"}')"
check "make it default" 200 "$(code reconfigure -d '{"backend_type":"vault","default_key_id":"rotation-2024-09"}')"
key=$(generate)
check "it wraps" rotation-2024-09 "$(text key_id "$key")"
vault_keys+=("$key")
check "rotate it" 200 "$(code keys/rotate -d '{"key_id":"rotation-2024-09"}')"
key=$(generate)
has "version 2 wraps" '"key_version":2' "$key"
vault_keys+=("$key")
opens "every version" "${vault_keys[@]}"
check "rolling cache and timeouts" 200 "$(code reconfigure -d '{"enable_cache":true,"max_cached_keys":2048,"cache_ttl_seconds":600,"timeout_seconds":2}')"
opens "after it" "${local_keys[@]}" "${vault_keys[@]}"
touch "$work/enough"; wait "$load"; load=
check "no request of the load failed" "" "$(grep -v '^good$' "$work/load")"
[ "$(grep -c good "$work/load")" -gt 20 ] && ok "$(grep -c good "$work/load") data keys were made and opened meanwhile" || not_ok "load" "$(wc -l <"$work/load") only"

echo "# what is opened twice is asked once"
double_is requests -X DELETE >/dev/null
opens "again" "${vault_keys[@]}"
check "without Vault" 0 "$(double_is 'requests?path=transit/decrypt/*' | sed -nE 's/^\{"count":([0-9]+).*/\1/p')"
check "clear the cache" 200 "$(code clear-cache -X POST)"
opens "and again" "${vault_keys[@]}"
[ "$(double_is 'requests?path=transit/decrypt/*' | sed -nE 's/^\{"count":([0-9]+).*/\1/p')" -gt 0 ] && ok "now Vault is asked" || not_ok "clear-cache" "Vault was not asked"
status_is "the cache counts" '"hit_count":'

echo "# Vault is away for $outage s"
goes_away
for i in 1 2 3 4 5 6; do data_code generate-data-key -d '{}' >/dev/null; done
took=$(for i in 1 2 3 4 5; do data generate-data-key -o /dev/null -w '%{http_code} %{time_total}\n' -d '{}'; done | sort | head -1)
check "a new data key is refused" 503 "${took% *}"
awk -v t="${took#* }" 'BEGIN { exit !(t < 0.05) }' && ok "at once (${took#* } s)" || not_ok "at once" "it took ${took#* } s, five times"
has "it says why" "backend" "$(data generate-data-key -d '{}')"
opens "cached ones" "${vault_keys[@]}"
opens "local ones" "${local_keys[@]}"
status_is "unhealthy" '"healthy":false'
came_back() { [ "$(data_code generate-data-key -d '{}')" = 200 ]; }
wait_for $((outage + 35)) came_back && ok "it goes on by itself" || not_ok "it goes on by itself" "$(admin status)"
status_is "healthy" '"healthy":true'

echo "# sealed, and a token that is revoked"
double_is seal -X POST >/dev/null
has "sealed" '"code":' "$(data generate-data-key -d '{}')"
wait_for 10 grep -q 'vault operator unseal' <(admin status) ; has "status names the mend" "vault operator unseal" "$(admin status)"
double_is unseal -X POST >/dev/null
wait_for 40 came_back && ok "unsealed" || not_ok "unsealed" "$(admin status)"
revoked=$(logins)
check "of the one log-in there is" 1 "$(wc -w <<<"$revoked")"
vault POST auth/token/revoke-accessor "{\"accessor\":\"$revoked\"}"
check "a new log-in at once" 200 "$(data_code generate-data-key -d '{}')"

echo "# rollback"
check "to what was local" 200 "$(code rollback -d '{"generation":1}')"
status_is "local" '"backend_type":"local"'
opens "all of them" "${local_keys[@]}" "${vault_keys[@]}"
key=$(generate)
lacks "and new ones are local" "118,97,117,108,116,58" "$(text ciphertext_blob "$key" | base64 -d)"

echo "# started while Vault is away"
end "$daemon" TERM; daemon=
goes_away
: >"$work/a.log"
start_daemon a; daemon=$pid
opens "local data keys" "${local_keys[@]}"
check "those of Vault" 503 "$(data_code decrypt -d '{"ciphertext_blob":"'"$(text ciphertext_blob "${vault_keys[0]}")"'","encryption_context":{"bucket":"bucket/key"}}')"
opened() { [ "$(text plaintext_key "$(open_it "${vault_keys[0]}")")" = "$(text plaintext_key "${vault_keys[0]}")" ]; }
wait_for $((outage + 90)) opened && ok "are back by themselves" || not_ok "are back by themselves" "$(open_it "${vault_keys[0]}")"

echo "# a wrapped secret id, and RustFS's layouts"
wrapping() { text token "$(curl -sS --cacert "$work/ca.pem" -H "X-Vault-Token: $(cat "$work/root")" -H 'X-Vault-Wrap-TTL: 600' -X POST "$address/v1/auth/approle/role/$1/secret-id")"; }
token=$(wrapping vault-kv2)
kv2() { echo '{"backend_type":"vault-kv2","address":"'"$address"'","ca_cert_path":"'"$work"'/ca.pem","default_key_id":null,"auth_method":{"approle":{"role_id":"'"$(role_id vault-kv2)"'","wrapping_token":"'"$token"'"}}}'; }
has "a dry run does not spend it" "dry run" "$(admin 'reconfigure?dry_run=true' -d "$(kv2)")"
check "to KV v2" 200 "$(code reconfigure -d "$(kv2)")"
spent=$(wrapping vault-kv2)
curl -sS --cacert "$work/ca.pem" -H "X-Vault-Token: $spent" -X POST "$address/v1/sys/wrapping/unwrap" >/dev/null
has "one that somebody else has used" "somebody else may have the secret id" "$(admin reconfigure -d "$(kv2 | sed "s/$token/$spent/")")"
check "make a key" 200 "$(code keys -d '{"key_name":"kv-key"}')"
check "make it default" 200 "$(code reconfigure -d '{"default_key_id":"kv-key"}')"
kv_keys=("$(generate)")
check "rotate it" 200 "$(code keys/rotate -d '{"key_id":"kv-key"}')"
kv_keys+=("$(generate)")
opens "both versions" "${kv_keys[@]}"
opens "and all before" "${local_keys[@]}" "${vault_keys[@]}"
end "$daemon" TERM; daemon=
: >"$work/a.log"
start_daemon a; daemon=$pid
opens "after a restart, with the stored secret id" "${kv_keys[@]}" "${vault_keys[@]}" "${local_keys[@]}"

echo "# two sidecars on one KV v2"
start_daemon b; second=$pid
other() { curl -sS --max-time 60 --unix-socket "$work/b-admin.sock" "$kms/$1" "${@:2}"; }
other configure -d '{"backend_type":"vault-kv2","address":"'"$address"'","ca_cert_path":"'"$work"'/ca.pem","default_key_id":"kv-key","auth_method":'"$(approle vault-kv2)"',"enable_cache":false}' >/dev/null
has "the second starts" '"success":true' "$(other start -X POST)"
admin reconfigure -d '{"enable_cache":false}' >/dev/null
rotate_many() { for i in 1 2 3 4 5 6; do "$1" keys/rotate -d '{"key_id":"kv-key"}' >>"$work/rotations-$1"; echo >>"$work/rotations-$1"; done; }
rotate_many other & rotating=$!
for i in 1 2 3 4 5 6; do admin keys/rotate -d '{"key_id":"kv-key"}' >>"$work/rotations-admin"; echo >>"$work/rotations-admin"; kv_keys+=("$(generate)"); done
wait "$rotating"
done_times=$(cat "$work"/rotations-* | grep -c '"success":true')
version=$(vault GET secret/data/rustfs/kms/keys/kv-key | tr ',{}' '\n' | sed -nE 's/^"version":([0-9]+)$/\1/p' | head -1)
check "each rotation that succeeded is a version, and there is no other" $((done_times + 2)) "$version"
opens "all versions" "${kv_keys[@]}"
rejected=$(cat "$work"/rotations-* | grep -vc '"success":true\|^$')
echo "  $done_times rotations succeeded, $rejected lost a race and said so"

lacks "no secret in the status" "$(head -1 "$work/secrets")" "$(admin status)$(admin config/history)"

echo "# leave-taking"
check "a token for each backend of the two daemons" 3 "$(logins | wc -l)"
end "$daemon" TERM; daemon=
end "$second" TERM; second=
check "and none when they have ended" "" "$(logins)"

echo "# secrets"
found=
while read -r secret; do [ -z "$secret" ] || found+=$(grep -rl -- "$secret" "$work"/*.log "$work"/*-state 2>/dev/null); done <"$work/secrets"
check "none in a log or, in the clear, in the state" "" "$found"
report
