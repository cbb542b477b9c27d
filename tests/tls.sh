#!/usr/bin/env bash
# Drives a kms-sidecar binary over TLS: tls init, both protocols of both listeners, a reload, a renewal, and what is no handshake. With
# clients that are not ours: curl and openssl.
#   tests/tls.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
chmod 755 "$work"
tls=$work/tls
secret=tls-secret-$$
daemon=

start_daemon() { # extra flags
  : >"$work/log" # the one before is ready in it
  RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=$secret "$binary" serve --listen http://127.0.0.1:0 --listen https://localhost:0 --log-format text \
    --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" \
    --tls-cert "$tls/server.pem" --tls-key "$tls/server-key.pem" "$@" 2>"$work/log" &
  daemon=$!
  wait_for 20 grep -q 'ready: ' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
  plain=$(sed -nE 's|.*ready: .*(http://127\.0\.0\.1:[0-9]+).*|\1|p' "$work/log")
  port=$(sed -nE 's|.*ready: .*https://127\.0\.0\.1:([0-9]+).*|\1|p' "$work/log")
  url=https://localhost:$port
}

end_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'end_daemon KILL; rm -rf "$work"' EXIT

trusting() { curl -sS --max-time 30 --cacert "$tls/ca.pem" "$@" 2>&1; }
signed() { trusting --aws-sigv4 aws:amz:us-east-1:s3 --user "boss:$secret" "$@"; }
client() { openssl s_client -connect "localhost:$port" -CAfile "$tls/ca.pem" -verify_return_error "$@" </dev/null 2>&1; }
serial() { openssl x509 -noout -serial "$@"; }
shown() { client | serial; }
shows() { [ "$(shown)" = "$(serial -in "$tls/server.pem")" ]; }

echo "# tls init"
said=$("$binary" tls init --dir "$tls" --name kms.example)
check "it ends with 0" 0 $?
has "and says how to go on" "--tls-cert $tls/server.pem --tls-key $tls/server-key.pem" "$said"
has "for RustFS, too" "SSL_CERT_FILE=" "$said"
check "openssl takes the certificate" "$tls/server.pem: OK" "$(openssl verify -x509_strict -purpose sslserver -CAfile "$tls/ca.pem" "$tls/server.pem" 2>&1)"
check "for the names" "$tls/server.pem: OK" "$(openssl verify -verify_hostname kms.example -CAfile "$tls/ca.pem" "$tls/server.pem" 2>&1)"
check "keys are the owner's alone" "600 600" "$(echo $(stat -c %a "$tls"/*-key.pem))"
check "certificates are everyone's" "644 644" "$(echo $(stat -c %a "$tls/ca.pem" "$tls/server.pem"))"
has "a CA that is there is not replaced" "--force" "$("$binary" tls init --dir "$tls" 2>&1)"
check "with 73" 73 "$("$binary" tls init --dir "$tls" >/dev/null 2>&1; echo $?)"
check "check takes the pair" 0 "$("$binary" check --tls-cert "$tls/server.pem" --tls-key "$tls/server-key.pem" --listen none --socket "$work/check.sock" --admin-socket none --state-dir "$work/check" >/dev/null 2>&1; echo $?)"
has "and names one that does not match" "$tls/ca-key.pem is not that of" "$("$binary" check --tls-cert "$tls/server.pem" --tls-key "$tls/ca-key.pem" 2>&1)"
has "https without a certificate names the mend" "kms-sidecar tls init" "$("$binary" check --listen https://localhost:1 2>&1)"

echo "# both doors"
start_daemon
check "HTTP/2" "2 200" "$(signed --http2 -o /dev/null -w '%{http_version} %{http_code}' "$url/rustfs/admin/v3/kms/status")"
check "HTTP/1.1" "1.1 200" "$(signed --http1.1 -o /dev/null -w '%{http_version} %{http_code}' "$url/rustfs/admin/v3/kms/status")"
check "plain HTTP beside it" "1.1 200" "$(signed --http2 -o /dev/null -w '%{http_version} %{http_code}' "$plain/rustfs/admin/v3/kms/status")"
check "a body over HTTP/2" 200 "$(signed --http2 -o /dev/null -w '%{http_code}' -d "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"app\"}" "$url/rustfs/admin/v3/kms/configure")"
check "and none" 200 "$(signed --http2 -o /dev/null -w '%{http_code}' -X POST "$url/rustfs/admin/v3/kms/start")"
has "a wrong secret" SignatureDoesNotMatch "$(trusting --http2 --aws-sigv4 aws:amz:us-east-1:s3 --user boss:wrong "$url/rustfs/admin/v3/kms/status")"
check "TLS is seen by policies" 200 "$(signed -o /dev/null -w '%{http_code}' -X PUT -d '{"Statement":[{"Effect":"Allow","Action":"kms:DescribeKey","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}' "$url/rustfs/admin/v3/kms/policies/over-tls")"
ann=$(text secret_key "$(signed -d '{"access_key":"ann","policies":["over-tls"]}' "$url/rustfs/admin/v3/kms/users")")
as_ann() { trusting -o /dev/null -w '%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 --user "ann:$ann" "$1/rustfs/admin/v3/kms/keys/app"; }
check "allowed over TLS" 200 "$(as_ann "$url")"
check "denied without" 403 "$(as_ann "$plain")"
has "a client that does not trust the CA" "unable to get local issuer" "$(curl -sS "$url/livez" 2>&1)"
has "TLS 1.3" "New, TLSv1.3" "$(client)"
has "TLS 1.2" "New, TLSv1.2" "$(client -tls1_2)"
has "TLS 1.1 is refused" "alert protocol version" "$(client -tls1_1 -cipher DEFAULT@SECLEVEL=0)"
has "h2 is agreed on" "ALPN protocol: h2" "$(client -alpn h2,http/1.1)"
has "the metric" "kms_sidecar_tls_certificate_not_after_timestamp_seconds $(date -d "$(openssl x509 -in "$tls/server.pem" -noout -enddate | cut -d= -f2)" +%s)" "$(trusting "$url/metrics")"

echo "# what is no handshake"
curl -s --max-time 5 "http://localhost:$port/" >/dev/null
check "plain HTTP gets no answer" 52 $?
for _ in $(seq 30); do head -c 200 /dev/urandom >"/dev/tcp/127.0.0.1/$port"; done 2>/dev/null
check "and others are served" ok "$(trusting "$url/livez")"
check "the log does not tell" 0 "$(grep -cE 'handshake|warn .*(TLS|tls)|error' "$work/log")"

echo "# a changed pair"
before=$(shown)
"$binary" tls init --dir "$work/next" >/dev/null
cp "$work/next/server.pem" "$tls/server.pem"
kill -HUP "$daemon"
wait_for 5 grep -q 'are not taken' "$work/log"
has "half of it is named" "is not that of the first certificate in $tls/server.pem" "$(grep 'are not taken' "$work/log")"
check "and the former stays in use" "$before" "$(shown)"
cp "$work/next/server-key.pem" "$tls/server-key.pem"
cp "$work/next/ca.pem" "$tls/ca.pem"
kill -HUP "$daemon"
check "the whole of it is taken" 0 "$(wait_for 5 shows; echo $?)"
check "and serves" ok "$(trusting "$url/livez")"
check "the log says so" 2 "$(grep -c 'is in use, valid until' "$work/log")"
cp "$work/next/ca-key.pem" "$tls/ca-key.pem"
end_daemon TERM

echo "# renewal"
(
  cd "$work" || exit
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=short -keyout "$tls/server-key.pem" -out short.csr
  mkdir db && touch db/index.txt
  printf '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=db\ndatabase=db/index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:localhost,DNS:kept.example\n' >db/conf
  openssl ca -batch -notext -config db/conf -extensions x -cert "$tls/ca.pem" -keyfile "$tls/ca-key.pem" -in short.csr -out "$tls/server.pem" \
    -startdate "$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d '1 hour' +%Y%m%d%H%M%SZ)"
) >"$work/openssl.log" 2>&1
short=$(serial -in "$tls/server.pem")
start_daemon
has "a certificate that ends in an hour is renewed" "renewed the TLS certificate $tls/server.pem" "$(cat "$work/log")"
check "another one is shown" yes "$([ "$(shown)" != "$short" ] && echo yes)"
check "for the same names" ok "$(trusting --resolve "kept.example:$port:127.0.0.1" "https://kept.example:$port/livez")"
check "for three months" 0 "$(openssl x509 -in "$tls/server.pem" -noout -checkend $((89 * 86400)) >/dev/null; echo $?)"
check "its key is the owner's alone" 600 "$(stat -c %a "$tls/server-key.pem")"
end_daemon TERM
lacks "no key is in the log" "PRIVATE" "$(cat "$work/log")"

report
