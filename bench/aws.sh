#!/usr/bin/env bash
# Measures the AWS KMS API as RustFS uses it, over TLS with kept-alive connections and signed, and on the data socket, each in ratios to the
# data socket's own form in the same minute. bench/README.md says how to read the table.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/aws.sh [--quick] [--binary PATH]
  --quick        one round of a second per cell, for CI
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

rounds=5 seconds=2
option() { [[ $1 == --quick ]] && rounds=1 seconds=1; }
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

tool=$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench
results=$work/results
export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench-secret-$$

load() { # ROUND LABEL TARGET OPERATION CONNECTIONS [FLAGS...]
  local round=$1 label=$2 target=$3 operation=$4 connections=$5
  shift 5
  "$tool" load --target "$target" --operation "$operation" --connections "$connections" --warmup 0.5 --duration "$seconds" \
    --server-pid "$daemon_pid" "$@" | sed "s/^protocol=[a-z]*/round=$round protocol=$label/" >>"$results"
}

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2
"$binary" tls init --dir "$work/tls" >/dev/null
(umask 077 && printf 'RUSTFS_ACCESS_KEY=%s\nRUSTFS_SECRET_KEY=%s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$work/credentials")
serve_on https://127.0.0.1:0 --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" --credentials-file "$work/credentials" \
  --tls-cert "$work/tls/server.pem" --tls-key "$work/tls/server-key.pem" --log-format text
daemon_pid=$!
admin() { curl --silent --fail --output /dev/null --unix-socket "$work/admin.sock" "$@"; }
until_ready "$daemon_pid" admin http://kms/livez
admin --data "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"bench\"}" http://kms/rustfs/admin/v3/kms/configure
admin --request POST http://kms/rustfs/admin/v3/kms/start
address=$(sed -nE 's|.*ready: .*https://(127\.0\.0\.1:[0-9]+).*|\1|p' "$work/daemon.log" | tail -n 1)

for ((round = 1; round <= rounds; round++)); do
  for operation in generate decrypt; do
    for connections in 1 16; do
      load "$round" native "$work/kms.sock" "$operation" "$connections" --protocol native
      load "$round" aws "$work/kms.sock" "$operation" "$connections" --protocol aws
      load "$round" awstls "$address" "$operation" "$connections" --protocol aws --tls-ca "$work/tls/ca.pem"
    done
  done
done

echo "The AWS KMS API over TLS, signed, beside the data socket's own form:"
echo
awk -v subject=awstls -v reference=native -f "$here/rounds.awk" -f "$here/table.awk" "$results"
echo
echo "The AWS KMS API on the data socket, beside its own form:"
echo
awk -v subject=aws -v reference=native -f "$here/rounds.awk" -f "$here/table.awk" "$results"
echo
echo "$rounds round(s) of $seconds s per cell on $(nproc) cores, shared with the client."
