#!/usr/bin/env bash
# Drives a kms-sidecar binary over its real sockets with clients that are not ours: curl, the aws CLI where it is installed, perl on a raw
# Unix socket. What the playbook does not cover: bad input, other users, other backends, full disks, signals.
#   tests/drive.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
port=${KMS_DRIVE_PORT:-9021}
fixtures=tests/KmsSidecar.Tests/Vectors/rustfs-1.0.0-rc.3
work=$(mktemp -d)
chmod 755 "$work"
socket=$work/kms.sock
kms=http://127.0.0.1:$port/rustfs/admin/v3/kms
secret=drive-secret-$$
state=$work/state
daemon=

start_daemon() { # extra flags
  RUSTFS_ACCESS_KEY=drive RUSTFS_SECRET_KEY=$secret "$binary" serve --listen "127.0.0.1:$port" \
    --socket "$socket" --admin-socket "$work/admin.sock" --state-dir "$state" "$@" 2>>"$work/log" &
  daemon=$!
  wait_for 20 curl -sf "http://127.0.0.1:$port/livez" || { tail -n 5 "$work/log"; not_ok "start" "the daemon does not answer"; report; exit 1; }
}

end_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'end_daemon KILL; umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT

signed() { curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user "drive:$secret" "$@"; }
data() { curl -sS --max-time 30 --unix-socket "$socket" "$@"; }
admin() { curl -sS --max-time 30 --unix-socket "$work/admin.sock" "$@"; }
code() { "$@" -o /dev/null -w '%{http_code}'; }

echo "# the command line"
check "--version" 0 "$("$binary" --version >/dev/null 2>&1; echo $?)"
has "--help lists serve" serve "$("$binary" --help)"
has "serve --help explains the state directory" --state-dir "$("$binary" serve --help)"
check "an unknown flag is wrong usage" 64 "$("$binary" serve --no-such-flag >/dev/null 2>&1; echo $?)"
check "a wrong setting exits with 78" 78 "$("$binary" check --listen nowhere >/dev/null 2>&1; echo $?)"
has "every wrong setting is named" --socket-mode "$("$binary" check --listen nowhere --socket-mode 999 2>&1)"
printf 'state_dir = /tmp\nlisten = 127.0.0.1:1\nno_such = 1\n' >"$work/conf"
has "a fault in the file has its line" "line 3" "$("$binary" check --config "$work/conf" 2>&1)"

echo "# no credentials: nothing is answered on TCP"
"$binary" serve --listen "127.0.0.1:$port" --socket "$work/n.sock" --admin-socket none --state-dir "$work/n" 2>"$work/n.log" &
daemon=$!
wait_for 20 curl -sf "http://127.0.0.1:$port/livez"
has "refused, and told how to set them" RUSTFS_ACCESS_KEY "$(signed "$kms/status")"
has "the log says so too" RUSTFS_ACCESS_KEY "$(cat "$work/n.log")"
end_daemon TERM

echo "# bad input"
start_daemon
signed -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" "$kms/configure"
check "start" 200 "$(code signed -X POST "$kms/start")"
check "unsigned" 403 "$(curl -s -o /dev/null -w '%{http_code}' "$kms/status")"
has "a wrong secret" SignatureDoesNotMatch "$(curl -s --aws-sigv4 aws:amz:us-east-1:s3 --user drive:wrong "$kms/status")"
has "an unknown access key" InvalidAccessKeyId "$(curl -s --aws-sigv4 aws:amz:us-east-1:s3 --user nobody:x "$kms/status")"
has "malformed JSON has line and column" "line 1, column" "$(signed -d '{"a":' "$kms/reconfigure")"
has "an unknown member is named" "'no_such'" "$(signed -d '{"no_such":1}' "$kms/reconfigure")"
has "a repeated member is named" "'timeout_seconds'" "$(signed -d '{"timeout_seconds":1,"timeout_seconds":2}' "$kms/reconfigure")"
has "a wrong type is named" "'enable_cache' must be true or false" "$(signed -d '{"enable_cache":"yes"}' "$kms/reconfigure")"
head -c 2000000 /dev/zero >"$work/big"
check "a large body" 413 "$(code signed --data-binary "@$work/big" "$kms/configure")"
check "a large body on the data socket" 413 "$(code data --data-binary "@$work/big" http://kms/v1/decrypt)"
check "an unknown key" 404 "$(code data -d '{"key_id":"nope"}' http://kms/v1/generate-data-key)"
check "configure while running" 409 "$(code signed -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\"}" "$kms/configure")"
check "an unknown route" 404 "$(code signed "$kms/nope")"
check "a wrong method" 405 "$(code signed -X PUT "$kms/status")"
check "a backend that this build does not have" 501 "$(code signed -d '{"backend_type":"aws"}' "$kms/reconfigure")"
check "rubbish in a blob" 400 "$(code data -d '{"ciphertext_blob":"AAAA"}' http://kms/v1/decrypt)"

echo "# data keys"
plain=$(data -d '{"encryption_context":{"a":"1"}}' http://kms/v1/generate-data-key)
blob=$(text ciphertext_blob "$plain")
check "another context opens nothing" 400 "$(code data -d "{\"ciphertext_blob\":\"$blob\",\"encryption_context\":{\"a\":\"2\"}}" http://kms/v1/decrypt)"
check "no context opens nothing" 400 "$(code data -d "{\"ciphertext_blob\":\"$blob\"}" http://kms/v1/decrypt)"
check "many in one call" 16 "$(data -d '{"count":16}' http://kms/v1/generate-data-key | grep -o plaintext_key | wc -l)"
sealed=$(data -d "{\"plaintext\":\"$(printf 'attack at dawn' | base64)\"}" http://kms/v1/encrypt)
opened=$(data -d "{\"ciphertext_blob\":\"$(text ciphertext_blob "$sealed")\"}" http://kms/v1/decrypt)
check "encrypt and decrypt" "attack at dawn" "$(text plaintext_key "$opened" | base64 -d)"
rewrapped=$(data -d "{\"ciphertext_blob\":\"$blob\",\"encryption_context\":{\"a\":\"1\"}}" http://kms/v1/rewrap)
opened=$(data -d "{\"ciphertext_blob\":\"$(text ciphertext_blob "$rewrapped")\",\"encryption_context\":{\"a\":\"1\"}}" http://kms/v1/decrypt)
check "rewrap keeps the data key" "$(text plaintext_key "$plain")" "$(text plaintext_key "$opened")"
check "admin routes are not on the data socket" 404 "$(code data http://kms/rustfs/admin/v3/kms/status)"
check "data routes are not on TCP" 404 "$(code signed -d '{}' "http://127.0.0.1:$port/v1/generate-data-key")"
has "the admin socket needs no signature" '"status":"Running"' "$(admin http://kms/rustfs/admin/v3/kms/status)"
has "metrics count requests" 'kms_sidecar_requests_total{route="POST /v1/decrypt",operation="decrypt",surface="data_socket",backend="local",result="invalid",status="400"}' "$(curl -s "http://127.0.0.1:$port/metrics")"

echo "# a raw Unix-socket client"
raw=$(perl -MIO::Socket::UNIX -e '
  my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
  my $r = "POST /v1/generate-data-key HTTP/1.1\r\nHost: kms\r\nContent-Length: 2\r\n\r\n{}";
  print $s $r . $r . "GET /v1/status HTTP/1.1\r\nHost: kms\r\nConnection: close\r\n\r\n";
  local $/; print <$s>;' "$socket")
check "three pipelined requests have three answers" 3 "$(printf '%s' "$raw" | grep -c 'HTTP/1.1 200 OK')"
idle=$(perl -MIO::Socket::UNIX -e '
  my @idle = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connection $_" } 1 .. 1000;
  my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
  print $s "GET /v1/status HTTP/1.1\r\nHost: kms\r\nConnection: close\r\n\r\n";
  local $/; print <$s>;' "$socket" 2>&1)
has "1,000 idle connections do not stop the next one" "HTTP/1.1 200 OK" "$idle"

echo "# sockets"
check "mode of the data socket" 660 "$(stat -c %a "$socket")"
second=$("$binary" serve --listen none --socket "$socket" --admin-socket none --state-dir "$work/second" 2>&1; echo "exit $?")
has "a live socket is not stolen" "$socket" "$second"
lacks "the second daemon ended with an error" "exit 0" "$second"
check "the first still answers" 200 "$(code data http://kms/v1/status)"
second=$("$binary" serve --listen none --socket "$work/2.sock" --admin-socket none --state-dir "$work/state" 2>&1; echo "exit $?")
has "a state directory belongs to one daemon" "in use by another kms-sidecar" "$second"
has "which exits with 75" "exit 75" "$second"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 666 "$socket"
  other=$(setpriv --reuid=65534 --regid=65534 --clear-groups curl -s -w '%{http_code}' --unix-socket "$socket" -d '{}' http://kms/v1/generate-data-key)
  has "another user gets 403" 403 "$other"
  wait_for 10 grep -q "uid 65534 gid 65534 pid" "$work/log"
  has "and the log names uid, gid and pid" "uid 65534 gid 65534 pid" "$(cat "$work/log")"
else
  echo "skip another user (needs root and setpriv)"
fi
end_daemon KILL
start_daemon
check "the stale sockets of a kill -9 do not stop a start" 200 "$(code data http://kms/v1/status)"

echo "# what RustFS wrote, and can read again"
mkdir -m 700 "$work/rustfs"
cp "$fixtures/local/keys/"*.key "$fixtures/local/keys/.master-key.salt" "$work/rustfs/"
chmod 600 "$work/rustfs/"* "$work/rustfs/.master-key.salt"
before=$(cd "$work/rustfs" && cat ./*.key | sha256sum)
answer=$(signed -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/rustfs\",\"master_key\":\"fixture master key 1\",\"default_key_id\":\"app-key\",\"envelope_form\":\"rustfs\"}" "$kms/reconfigure")
has "reconfigure to RustFS's key directory" '"status":"Running"' "$answer"
recorded=$(tr -d '\n' <"$fixtures/local/data-keys.json")
wanted=$(printf '%s' "$recorded" | sed -nE 's/.*"encryption_context": *\{\}, *"plaintext_key": *"([^"]*)", *"ciphertext_blob": *"([^"]*)".*/\1 \2/p')
opened=$(data -d "{\"ciphertext_blob\":\"${wanted#* }\"}" http://kms/v1/decrypt)
check "a data key that RustFS wrapped opens" "${wanted% *}" "$(text plaintext_key "$opened")"
compatible=$(data -d '{}' http://kms/v1/generate-data-key)
lacks "the rustfs form has RustFS's seven names only" '"form"' "$(text ciphertext_blob "$compatible" | base64 -d)"
opened=$(data -d "{\"ciphertext_blob\":\"$(text ciphertext_blob "$compatible")\"}" http://kms/v1/decrypt)
check "and opens here" "$(text plaintext_key "$compatible")" "$(text plaintext_key "$opened")"
opened=$(data -d "{\"ciphertext_blob\":\"$blob\",\"encryption_context\":{\"a\":\"1\"}}" http://kms/v1/decrypt)
check "the former directory's data key opens too" "$(text plaintext_key "$plain")" "$(text plaintext_key "$opened")"
check "no key file of RustFS was changed" "$before" "$(cd "$work/rustfs" && cat ./*.key | sha256sum)"
end_daemon TERM
printf 'rubbish' >"$work/rustfs/broken.key" && chmod 600 "$work/rustfs/broken.key"
start_daemon
status=$(signed "$kms/status")
has "a bad key file does not stop the service" '"status":"Running"' "$status"
has "and is named" broken "$status"
has "in the log too" broken "$(cat "$work/log")"
lacks "no master key in the log" "fixture master key" "$(cat "$work/log")"
lacks "no secret key in the log" "$secret" "$(cat "$work/log")"
lacks "no master key in the stored configuration" "fixture master key" "$(cat "$work"/state/configuration/* | tr -d '\0')"

echo "# the static backend"
end_daemon TERM
printf 'static-key:%s\n' "$(head -c 32 /dev/zero | base64)" >"$work/static"
chmod 600 "$work/static"
chmod 600 "$work/static"
start_daemon --static-key-file "$work/static"
has "reconfigure to static" '"status":"Running"' "$(signed -d '{"backend_type":"static","default_key_id":null}' "$kms/reconfigure")"
check "data keys come from the static key" static-key "$(text key_id "$(data -d '{}' http://kms/v1/generate-data-key)")"
opened=$(data -d "{\"ciphertext_blob\":\"$blob\",\"encryption_context\":{\"a\":\"1\"}}" http://kms/v1/decrypt)
check "the local data key still opens" "$(text plaintext_key "$plain")" "$(text plaintext_key "$opened")"
check "static makes no keys" 501 "$(code signed -d '{"key_name":"x"}' "$kms/keys")"
has "rollback to local" '"success":true' "$(signed -X POST "$kms/rollback")"

if command -v aws >/dev/null; then
  echo "# the aws CLI"
  export AWS_ACCESS_KEY_ID=drive AWS_SECRET_ACCESS_KEY=$secret AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
  aws --endpoint-url "http://127.0.0.1:$port" s3api get-object --bucket rustfs --key admin/v3/kms/status "$work/aws" >/dev/null 2>"$work/aws.err"
  has "its S3 signature reads the status (bucket rustfs, key admin/v3/kms/status)" '"status":"Running"' "$(cat "$work/aws" "$work/aws.err" 2>/dev/null)"
  AWS_SECRET_ACCESS_KEY=wrong aws --endpoint-url "http://127.0.0.1:$port" s3api get-object --bucket rustfs --key admin/v3/kms/status "$work/aws2" >/dev/null 2>"$work/aws.err"
  has "with a wrong secret it does not" SignatureDoesNotMatch "$(cat "$work/aws.err")"
else
  echo "skip the aws CLI (not installed)"
fi

echo "# a full disk"
mkdir "$work/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=256k tmpfs "$work/small" 2>/dev/null; then
  end_daemon TERM
  cp -a "$work/state/." "$work/small/"
  state=$work/small
  start_daemon
  head -c 1000000 /dev/zero >"$work/small/filler" 2>/dev/null
  full=$(signed -d '{"cache_ttl_seconds":77}' "$kms/reconfigure")
  has "a change is refused, with the reason" "disk" "$full"
  lacks "and is not in effect" '"cache_ttl_seconds":77' "$(signed "$kms/status")"
  check "data keys go on" 200 "$(code data -d '{}' http://kms/v1/generate-data-key)"
  rm "$work/small/filler"
  has "with room again it succeeds" '"success":true' "$(signed -d '{"cache_ttl_seconds":77}' "$kms/reconfigure")"
else
  echo "skip a full disk (needs root and tmpfs)"
fi

echo "# the end"
kill -TERM "$daemon"
wait "$daemon"
check "SIGTERM ends it with 0" 0 "$?"
check "its sockets are gone" "" "$(ls "$work"/*.sock 2>/dev/null)"

report
