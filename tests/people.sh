#!/usr/bin/env bash
# Drives a kms-sidecar binary as more than one person: users by API and by file, policies, session tokens, guessing. With clients that are
# not ours: curl and, where it is installed, the aws CLI.
#   tests/people.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
chmod 755 "$work"
secret=people-secret-$$
daemon=

start_daemon() { # extra flags
  : >"$work/log" # the one before is ready in it
  RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=$secret "$binary" serve --listen 127.0.0.1:0 --log-format text \
    --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" "$@" 2>"$work/log" &
  daemon=$!
  wait_for 20 grep -q 'ready: .*http://127.0.0.1:' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
  url=$(sed -nE 's|.*ready: .*(http://127\.0\.0\.1:[0-9]+).*|\1|p' "$work/log" | tail -n 1)
  kms=$url/rustfs/admin/v3/kms
}

end_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'end_daemon KILL; rm -rf "$work"' EXIT

as() { local who=$1; shift; curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user "$who" "$@"; }
boss() { as "boss:$secret" "$@"; }
admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "$@"; }
code() { "$@" -o /dev/null -w '%{http_code}'; }
member() { printf '%s' "$2" | sed -nE "s|.*<$1>([^<]*)</$1>.*|\1|p"; }

echo "# users by API"
start_daemon
boss -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" "$kms/configure"
check "start" 200 "$(code boss -X POST "$kms/start")"
for key in payroll photos; do check "key $key" 200 "$(code boss -d "{\"key_name\":\"$key\"}" "$kms/keys")"; done
check "a policy" 200 "$(code boss -X PUT -d '{"Statement":[{"Effect":"Allow","Action":"kms:*"},{"Effect":"Deny","Action":"kms:*","Resource":"arn:aws:kms:::key/payroll"}]}' "$kms/policies/not-payroll")"
has "a wrong policy is refused with the place" "Statement" "$(boss -X PUT -d '{"Statement":[{"Effect":"Allow","Action":"kms:Fly"}]}' "$kms/policies/fly")"
ann=$(text secret_key "$(boss -d '{"access_key":"ann","policies":["not-payroll"]}' "$kms/users")")
check "a generated secret has 40 characters" 40 "${#ann}"
lacks "and is not told again" "$ann" "$(boss "$kms/users")"
check "allowed" 200 "$(code as "ann:$ann" "$kms/keys/photos")"
has "denied for one key" AccessDenied "$(as "ann:$ann" "$kms/keys/payroll")"
has "also by another spelling" AccessDenied "$(as "ann:$ann" "$kms/describe-key?keyId=payroll")"
may() { "$binary" policy check --admin-socket "$work/admin.sock" "$@"; }
has "policy check says which statement allows" "not-payroll" "$(may --user ann --action kms:DescribeKey --resource photos)"
check "and ends with 0" 0 "$(may --user ann --action kms:DescribeKey --resource photos >/dev/null; echo $?)"
has "or which one denies" "Statement[1]" "$(may --user ann --action kms:DescribeKey --resource arn:aws:kms:::key/payroll)"
check "and ends with 1" 1 "$(may --user ann --action kms:DescribeKey --resource payroll >/dev/null; echo $?)"
check "no management of users" 403 "$(code as "ann:$ann" "$kms/users")"
check "nor of oneself" 403 "$(code as "ann:$ann" -d '{"access_key":"ann","policies":["consoleAdmin"]}' "$kms/users/update")"
check "the admin socket may" 200 "$(code admin "http://kms/rustfs/admin/v3/kms/users/ann")"
has "a taken access key" UserExists "$(boss -d '{"access_key":"ann"}' "$kms/users")"
has "root's is taken, too" UserExists "$(boss -d '{"access_key":"boss"}' "$kms/users")"

echo "# session tokens"
assumed=$(as "ann:$ann" --aws-sigv4 aws:amz:us-east-1:sts -d 'Action=AssumeRole&Version=2011-06-15&RoleSessionName=s1' "$url/")
temporary=$(member AccessKeyId "$assumed") temporary_secret=$(member SecretAccessKey "$assumed") token=$(member SessionToken "$assumed")
session() { as "$temporary:$temporary_secret" -H "x-amz-security-token: $token" "$@"; }
check "allowed in a session" 200 "$(code session "$kms/keys/photos")"
has "denied in a session" AccessDenied "$(session "$kms/keys/payroll")"
has "the key without its token" "session token" "$(as "$temporary:$temporary_secret" "$kms/keys/photos")"
has "the token with a permanent key" InvalidToken "$(as "ann:$ann" -H "x-amz-security-token: $token" "$kms/keys/photos")"
has "a session starts no other" AccessDenied "$(session -d 'Action=AssumeRole' "$url/")"
lesser=$(as "ann:$ann" --data-urlencode 'Action=AssumeRole' --data-urlencode 'Policy={"Statement":{"Effect":"Allow","Action":"kms:DescribeKey"}}' "$url/")
lesser() { as "$(member AccessKeyId "$lesser"):$(member SecretAccessKey "$lesser")" -H "x-amz-security-token: $(member SessionToken "$lesser")" "$@"; }
check "what the session's policy allows" 200 "$(code lesser "$kms/keys/photos")"
check "and nothing else" 403 "$(code lesser -d '{"key_id":"photos"}' "$kms/generate-data-key")"
check "which the user itself may" 200 "$(code as "ann:$ann" -d '{"key_id":"photos"}' "$kms/generate-data-key")"

if command -v aws >/dev/null; then
  # Without this the CLI still presigns with Signature Version 2.
  printf '[default]\ns3 =\n  signature_version = s3v4\n' >"$work/aws.conf"
  aws_as() { # ACCESS-KEY SECRET TOKEN ARGS...
    local key=$1 its_secret=$2 its_token=$3
    shift 3
    env -u AWS_PROFILE ${its_token:+AWS_SESSION_TOKEN="$its_token"} AWS_ACCESS_KEY_ID="$key" AWS_SECRET_ACCESS_KEY="$its_secret" \
      AWS_DEFAULT_REGION=us-east-1 AWS_CONFIG_FILE="$work/aws.conf" AWS_EC2_METADATA_DISABLED=true aws --endpoint-url "$url" --output text "$@" 2>&1
  }
  assumed=$(aws_as ann "$ann" "" sts assume-role --role-arn arn:aws:iam::000000000000:role/x --role-session-name cli \
    --query '[Credentials.AccessKeyId,Credentials.SecretAccessKey,Credentials.SessionToken,AssumedRoleUser.Arn]')
  has "aws sts assume-role" arn:aws:sts::000000000000:assumed-role/x/cli "$assumed"
  read -r cli_key cli_secret cli_token _ <<<"$assumed"
  has "aws sts get-caller-identity" user/ann "$(aws_as ann "$ann" "" sts get-caller-identity)"
  has "the same in the session" "assumed-role/ann/$cli_key" "$(aws_as "$cli_key" "$cli_secret" "$cli_token" sts get-caller-identity)"
  has "aws shows why it is refused" SignatureDoesNotMatch "$(aws_as ann wrong "" sts get-caller-identity)"
else
  echo "SKIP aws is not installed: its STS commands are not driven"
fi

echo "# guessing"
for _ in $(seq 25); do as ann:guess -o /dev/null "$kms/status"; done
check "guesses at one key are slowed down" 503 "$(code as ann:guess "$kms/status")"
has "as S3 says it" "<Code>SlowDown</Code>" "$(as ann:guess "$kms/status")"
check "another key is not" 200 "$(code boss "$kms/status")"
check "nor is a session" 200 "$(code session "$kms/keys/photos")"
refusals=$(grep -c 'request refused' "$work/log")
check "the log does not repeat each of them" yes "$([ "$refusals" -lt 25 ] && echo yes || echo "no, $refusals lines")"

echo "# the end of a user"
bob=$(text secret_key "$(boss -d '{"access_key":"bob","policies":["KMSAuditor"]}' "$kms/users")")
check "bob may list" 200 "$(code as "bob:$bob" "$kms/keys")"
check "bob is disabled" 200 "$(code boss -d '{"access_key":"bob","status":"disabled"}' "$kms/users/update")"
has "and told so" disabled "$(as "bob:$bob" "$kms/keys")"
check "ann is deleted" 200 "$(code boss -X DELETE "$kms/users/ann")"
has "and with her, her session" InvalidToken "$(session "$kms/keys/photos")"

echo "# a restart, killed"
end_daemon KILL
start_daemon
check "bob is still disabled" 403 "$(code as "bob:$bob" "$kms/keys")"
has "bob is still there" '"bob"' "$(boss "$kms/users")"
lacks "ann is not" '"ann"' "$(boss "$kms/users")"
lacks "no secret is in the log" "$bob" "$(cat "$work/log")"
check "no secret is on disk in the clear" 1 "$(grep -rqF "$bob" "$work/state"; echo $?)"
check "presigned URLs are off" 403 "$(curl -s -o /dev/null -w '%{http_code}' "$kms/status?X-Amz-Signature=00")"
end_daemon TERM

echo "# users by file"
printf '{"users":[{"access_key":"carol","secret_key":"carol-secret","policies":["KMSAuditor"]}]}' >"$work/users.json"
chmod 644 "$work/users.json"
has "a file that others can read is refused with the mend" "chmod 600 $work/users.json" \
  "$("$binary" serve --listen none --socket "$work/n.sock" --admin-socket none --state-dir "$work/n" --users-file "$work/users.json" 2>&1)"
has "also by check" "chmod 600" "$("$binary" check --users-file "$work/users.json" 2>&1)"
chmod 600 "$work/users.json"
check "check takes it then" 0 "$("$binary" check --users-file "$work/users.json" --listen none --socket "$work/check.sock" --admin-socket none --state-dir "$work/check" >/dev/null 2>&1; echo $?)"
start_daemon --users-file "$work/users.json" --allow-presigned
check "carol may list" 200 "$(code as carol:carol-secret "$kms/keys")"
if command -v aws >/dev/null; then
  # The path of a route is a bucket and a key to S3's own tools.
  presigned=$(aws_as carol carol-secret "" s3 presign "s3://rustfs/admin/v3/kms/keys" --expires-in 60)
  check "a presigned URL of the aws CLI" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$presigned")"
  check "is good for that alone" 403 "$(curl -s -o /dev/null -w '%{http_code}' "${presigned/keys/status}")"
  check "and changes nothing" 403 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$presigned")"
fi
has "carol is not changed by API" NotChangeableHere "$(boss -X DELETE "$kms/users/carol")"
printf '{"users":[{"access_key":"carol","secret_key":"carol-secret-2"}]' >"$work/users.json"
kill -HUP "$daemon"
wait_for 5 grep -q 'reload refused' "$work/log"
has "a broken file is logged" users.json "$(grep 'reload refused' "$work/log")"
check "and the former users stay" 200 "$(code as carol:carol-secret "$kms/keys")"
printf '{"users":[{"access_key":"carol","secret_key":"carol-secret-2","policies":["KMSAuditor"]}]}' >"$work/users.json"
kill -HUP "$daemon"
wait_for 5 grep -q 'read again' "$work/log"
check "a good one takes effect" 200 "$(code as carol:carol-secret-2 "$kms/keys")"
check "and the former secret is gone" 403 "$(code as carol:carol-secret "$kms/keys")"
end_daemon TERM

report
