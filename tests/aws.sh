#!/usr/bin/env bash
# Drives a kms-sidecar binary over the AWS KMS API as its users do, over TLS: the AWS CLI, the AWS SDK for JavaScript, curl; and replays
# what RustFS 1.0.0-rc.3 and the AWS CLI were recorded to send. Clients that are not installed are left out, and that is said.
#   tests/aws.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
vectors=tests/KmsSidecar.Tests/Vectors
work=$(mktemp -d)
secret=aws-secret-$$
daemon=

start_daemon() { # ACCESS_KEY SECRET [NAME=VALUE for the environment...]
  local key=$1 secret=$2
  shift 2
  : >"$work/log" # the one before is ready in it
  env RUSTFS_ACCESS_KEY="$key" RUSTFS_SECRET_KEY="$secret" "$@" "$binary" serve --listen http://127.0.0.1:0 --listen https://127.0.0.1:0 \
    --tls-cert "$work/tls/server.pem" --tls-key "$work/tls/server-key.pem" --log-format text \
    --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" 2>"$work/log" &
  daemon=$!
  wait_for 20 grep -q 'ready: .*https://127.0.0.1:' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
  plain=$(sed -nE 's|.*ready: .*http://(127\.0\.0\.1:[0-9]+).*|\1|p' "$work/log" | tail -n 1)
  tls=https://localhost:$(sed -nE 's|.*ready: .*https://127\.0\.0\.1:([0-9]+).*|\1|p' "$work/log" | tail -n 1)
}

end_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'end_daemon KILL; rm -rf "$work"' EXIT

admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "$@"; }
route() { echo "http://kms/rustfs/admin/v3/kms/$1"; }
target() { local operation=$1; shift; curl -sS --max-time 30 -H "X-Amz-Target: TrentService.$operation" -H "Content-Type: ${type:-application/x-amz-json-1.1}" "$@"; }
signed() { local operation=$1; shift; target "$operation" --cacert "$work/tls/ca.pem" --aws-sigv4 aws:amz:us-east-1:kms --user "boss:$secret" "$@" "$tls/"; }
local_socket() { local operation=$1; shift; target "$operation" --unix-socket "$work/kms.sock" "$@" http://kms/; }

echo "# curl, over TLS and the data socket"
"$binary" tls init --dir "$work/tls" >/dev/null
start_daemon boss "$secret"
has "RustFS starts before anything is configured" '"Keys":[]' "$(signed ListKeys -d '{"Limit":1}')"
has "nothing else is served then" KMSInvalidStateException "$(signed GenerateDataKey -d '{"KeyId":"alias/default","KeySpec":"AES_256"}')"
admin -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" "$(route configure)"
admin -o /dev/null -X POST "$(route start)"
made=$(signed GenerateDataKey -d '{"KeyId":"alias/default","KeySpec":"AES_256","EncryptionContext":{"b":"o"}}')
check "a key is answered as it was asked for" alias/default "$(text KeyId "$made")"
blob=$(text CiphertextBlob "$made")
names=$(printf '%s' "$blob" | base64 -d | grep -oE '"(key_id|master_key_id|key_spec|encrypted_key|nonce|encryption_context|created_at)":' | sort -u | wc -l)
check "a ciphertext has the seven names by which RustFS knows it" 7 "$names"
opened=$(local_socket Decrypt -d "{\"CiphertextBlob\":\"$blob\",\"EncryptionContext\":{\"b\":\"o\"}}")
check "the data socket opens it without a signature" "$(text Plaintext "$made")" "$(text Plaintext "$opened")"
has "not with another context" InvalidCiphertextException "$(local_socket Decrypt -d "{\"CiphertextBlob\":\"$blob\"}")"
for client in signed local_socket; do
  has "$client: an unknown operation" UnknownOperationException "$($client Sign -d '{}')"
  has "$client: another content type" UnknownOperationException "$(type=text/plain $client ListKeys -d '{}')"
  has "$client: no JSON" SerializationException "$($client Encrypt -d '{')"
  has "$client: a context that is not strings" SerializationException "$($client GenerateDataKey -d '{"KeySpec":"AES_256","EncryptionContext":{"a":{}}}')"
  has "$client: a key of another region" NotFoundException "$($client DescribeKey -d '{"KeyId":"arn:aws:kms:eu-west-1:000000000000:key/app"}')"
  has "$client: another program's blob" InvalidCiphertextException "$($client Decrypt -d '{"CiphertextBlob":"AQICAHgAAAA="}')"
done
head -c 10485760 /dev/zero | tr '\0' x >"$work/huge"
has "10 MiB over TLS" RequestEntityTooLargeException "$(signed Encrypt --data-binary "@$work/huge")"
has "10 MiB on the data socket" RequestEntityTooLargeException "$(local_socket Encrypt --data-binary "@$work/huge")"
has "a signature for s3" InvalidSignatureException "$(signed ListKeys --aws-sigv4 aws:amz:us-east-1:s3 -d '{}')"
has "an unknown user" UnrecognizedClientException "$(signed ListKeys --user nobody:x -d '{}')"
check "HTTP/2" 2 "$(signed ListKeys --http2 -d '{}' -o /dev/null -w '%{http_version}')"
has "no signature" MissingAuthenticationTokenException "$(target ListKeys --cacert "$work/tls/ca.pem" -d '{}' "$tls/")"

echo "# the AWS CLI, over TLS"
if command -v aws >/dev/null; then
  export AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY=$secret AWS_DEFAULT_REGION=us-east-1 AWS_CA_BUNDLE=$work/tls/ca.pem AWS_EC2_METADATA_DISABLED=true
  kms() { aws --endpoint-url "$tls" --output text kms "$@" 2>&1; }
  check "create" Enabled "$(kms create-key --tags TagKey=name,TagValue=cli --query KeyMetadata.KeyState)"
  aws --endpoint-url "$tls" kms generate-data-key --key-id cli --key-spec AES_256 --encryption-context a=b >"$work/made"
  python3 -c 'import base64, json, sys; sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)["CiphertextBlob"]))' <"$work/made" >"$work/blob"
  plaintext=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["Plaintext"])' <"$work/made")
  check "generate and decrypt" "$plaintext" "$(kms decrypt --ciphertext-blob "fileb://$work/blob" --encryption-context a=b --query Plaintext)"
  check "rotate" cli "$(kms rotate-key-on-demand --key-id cli --query KeyId)"
  check "rotations" ON_DEMAND "$(kms list-key-rotations --key-id cli --query 'Rotations[].RotationType')"
  kms re-encrypt --ciphertext-blob "fileb://$work/blob" --source-encryption-context a=b --destination-key-id alias/default --query CiphertextBlob | base64 -d >"$work/moved"
  check "re-encrypt" "$plaintext" "$(kms decrypt --ciphertext-blob "fileb://$work/moved" --query Plaintext)"
  check "schedule" PendingDeletion "$(kms schedule-key-deletion --key-id cli --pending-window-in-days 7 --query KeyState)"
  has "it wraps no more" KMSInvalidStateException "$(kms generate-data-key --key-id cli --key-spec AES_256)"
  check "cancel" cli "$(kms cancel-key-deletion --key-id cli --query KeyId)"
  has "aliases" alias/default "$(kms list-aliases --query 'Aliases[].AliasName')"
  has "an error that a person can read" "NotFoundException" "$(kms describe-key --key-id nope)"
else
  echo "left out: the aws CLI is not installed"
fi

echo "# the AWS SDK for JavaScript, over TLS"
if command -v npm >/dev/null && (cd tests/aws && npm ci --silent --no-audit --no-fund) >"$work/npm" 2>&1; then
  AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY=$secret NODE_EXTRA_CA_CERTS=$work/tls/ca.pem \
    node --no-warnings tests/aws/sdk.mjs "$tls" >"$work/sdk" 2>&1
  check "the SDK's checks end well" 0 "$?"
  while IFS= read -r line; do
    case $line in "ok   "*) ok "SDK: ${line#ok   }" ;; *) not_ok "SDK" "$line" ;; esac
  done <"$work/sdk"
else
  echo "left out: there is no npm here, or it cannot install @aws-sdk/client-kms"
fi

echo "# the requests of RustFS 1.0.0-rc.3, with its headers"
for key in 0d121272-8d10-41a7-b210-47bee7a169d5 d4d5293f-480b-4c8d-baee-4e27ef008650; do
  admin -o /dev/null -d "{\"key_name\":\"$key\"}" "$(route keys)"
done
check "are answered as it needs" "ListKeys 200 Keys,NextMarker,Truncated
DescribeKey 400 NotFoundException
DescribeKey 200 KeyMetadata
CreateKey 200 KeyMetadata
DisableKey 200 nothing
GenerateDataKey 400 DisabledException
EnableKey 200 nothing
RotateKeyOnDemand 200 KeyId
GenerateDataKey 200 CiphertextBlob,KeyId,Plaintext
GenerateDataKey 200 CiphertextBlob,KeyId,Plaintext
ScheduleKeyDeletion 200 DeletionDate,KeyId,KeyState,PendingWindowInDays
CancelKeyDeletion 200 KeyId" "$(python3 tests/aws/replay.py rustfs "$plain" "$vectors/rustfs-1.0.0-rc.3/aws/wire.json" boss "$secret")"
end_daemon TERM

echo "# a backend that is away"
mv "$work/keys" "$work/away"
start_daemon boss "$secret"
has "RustFS starts all the same" '"Keys":[]' "$(signed ListKeys -d '{"Limit":1}')"
local_socket Decrypt -d "{\"CiphertextBlob\":\"$blob\",\"EncryptionContext\":{\"b\":\"o\"}}" >"$work/waited" &
waiting=$!
sleep 0.5
lacks "a request waits for it" '"' "$(cat "$work/waited")"
mv "$work/away" "$work/keys"
wait "$waiting"
check "and is answered when it is back" "$(text Plaintext "$made")" "$(text Plaintext "$(cat "$work/waited")")"
end_daemon TERM
mv "$work/keys" "$work/away"
start_daemon boss "$secret"
has "one that stays away is told in the end" KeyUnavailableException "$(signed GenerateDataKey -d '{"KeyId":"alias/default","KeySpec":"AES_256"}')"
end_daemon TERM
mv "$work/away" "$work/keys"

echo "# the recorded requests of the AWS CLI 1.46.3, byte for byte, at their time"
if cc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$work/clock.so" tests/aws/clock.c; then
  rm -rf "$work/state" "$work/keys" "$work/tls"
  then=(LD_PRELOAD="$work/clock.so" CLOCK_START="$(date -u -d '2026-11-23 19:45:34' +%s)")
  env "${then[@]}" "$binary" tls init --dir "$work/tls" >/dev/null
  start_daemon admin admin-secret "${then[@]}"
  admin -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"rustfs-master\"}" "$(route configure)"
  admin -o /dev/null -X POST "$(route start)"
  check "are answered as it needs" "generate-data-key 200 CiphertextBlob,KeyId,Plaintext
generate-data-key-without-plaintext 200 CiphertextBlob,KeyId
decrypt 400 InvalidCiphertextException
encrypt 200 CiphertextBlob,EncryptionAlgorithm,KeyId
describe-key 200 KeyMetadata
list-keys 200 Keys,Truncated
create-key 200 KeyMetadata
schedule-key-deletion 200 DeletionDate,KeyId,KeyState,PendingWindowInDays
cancel-key-deletion 200 KeyId
enable-key 200 nothing
disable-key 200 nothing
rotate-key-on-demand 400 DisabledException
list-key-rotations 200 Rotations,Truncated
get-key-rotation-status 200 KeyId,KeyRotationEnabled
list-resource-tags 200 Tags,Truncated
update-key-description 200 nothing
generate-random 200 Plaintext
get-key-policy 200 Policy,PolicyName
sts-get-caller-identity 200 xml" "$(python3 tests/aws/replay.py cli "$plain" "$vectors/signed-requests/signed-requests.json")"
  end_daemon TERM
else
  echo "left out: there is no C compiler"
fi

report
