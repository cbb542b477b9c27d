#!/usr/bin/env bash
# Measures Transit through the published daemon against Transit called directly, on the same double of OpenBao and in turns.
# bench/README.md says how to read the table.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/vault.sh [--quick] [--binary PATH]
  --quick        one round of a second per cell, for CI
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

rounds=5 seconds=2 warmup=0.5
option() { [[ $1 == --quick ]] && rounds=1 seconds=1 warmup=0.2; }
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

tool=$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench
double=$root/.build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble
results=$work/results

# More data keys than the daemon keeps, and more kept than there are callers: of the two times in a row that a key is opened, the first is
# always a miss and the second can be a hit.
data_keys=512 kept=128

# OpenBao 2.6.2 on two cores: 5,000 single wraps a second at the most, and 16 in a batch for 1.5 times one. In microseconds.
per_request=387 per_item=13

start_double() { # the double's own address is then in $double_address, its root token in VAULT_TOKEN
  # As little as can be of the processors that it shares: no code that counts itself, and 64 MiB (in hexadecimal) to fill before it collects.
  env DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0 DOTNET_GCgen0size=4000000 \
    "$double" --ready-file "$work/double" --root-token-file "$work/token" >"$work/double.log" 2>&1 &
  pids+=("$!")
  until_ready "$!" test -s "$work/double"
  double_address=$(cat "$work/double")
  export VAULT_TOKEN VAULT_KEY=bench
  VAULT_TOKEN=$(cat "$work/token")
  vault sys/mounts/transit '{"type":"transit"}'
  vault sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
  vault "transit/keys/$VAULT_KEY" '{"type":"aes256-gcm96"}'
}

vault() { # PATH JSON
  curl --silent --fail --output /dev/null --header "X-Vault-Token: $VAULT_TOKEN" --data "$2" "$double_address/v1/$1"
}

start_pace() { # the address is then in $paced_address
  "$tool" pace --target "${double_address#http://}" --ready-file "$work/paced" --per-request "$per_request" --per-item "$per_item" &
  pids+=("$!")
  until_ready "$!" test -s "$work/paced"
  paced_address=http://$(cat "$work/paced")
}

start_sidecar() { # NAME ADDRESS CACHE: true or false
  local directory=$work/$1
  mkdir -p "$directory"
  serve --socket "$directory/kms.sock" --admin-socket "$directory/admin.sock" --state-dir "$directory/state"
  daemon_pid=$!
  admin() { curl --silent --show-error --fail-with-body --output "$directory/answer" --unix-socket "$directory/admin.sock" "$@"; }
  until_ready "$daemon_pid" test -S "$directory/admin.sock"
  admin --data @- http://kms/rustfs/admin/v3/kms/configure <<TEXT || { cat "$directory/answer" >&2; exit 1; }
    {"backend_type":"vault","address":"$2","auth_method":{"token":"$VAULT_TOKEN"},"mount_path":"transit","kv_mount":"secret",
     "key_path_prefix":"rustfs/kms/keys","default_key_id":"$VAULT_KEY","enable_cache":$3,"max_cached_keys":$kept}
TEXT
  admin --request POST http://kms/rustfs/admin/v3/kms/start || { cat "$directory/answer" >&2; exit 1; }
  until_ready "$daemon_pid" gives_a_data_key "$directory/kms.sock"
}

load() { # ROUND SERVER ADDRESS THROUGH OPERATION CALLERS
  local round=$1 server=$2 address=$3 through=$4 operation=$5 callers=$6
  local flags=(--protocol native --target "$work/$server-$through/kms.sock") called=encrypt name=wrap figures
  [[ $through != direct ]] || flags=(--protocol vault --target "${address#http://}")
  [[ $operation != decrypt ]] || called=decrypt name=unwrap flags+=(--keys $((data_keys / callers)))
  curl --silent --fail --output /dev/null --request DELETE "$double_address/double/requests"
  figures=$("$tool" load "${flags[@]}" --operation "$operation" --connections "$callers" --warmup "$warmup" --duration "$seconds")
  figures=$(sed -E "s/^protocol=[a-z]+ operation=[a-z]+/round=$round protocol=$through operation=$server|$name/" <<<"$figures")
  [[ $through == direct ]] || figures+=" $(count_calls "$called" "$figures")"
  echo "$figures" >>"$results"
}

# What reached the server, warm-up included, from its own log. A data key is wrapped in one request, and opened in two.
count_calls() { # encrypt|decrypt FIGURES
  local answered=${2#* answered=}
  curl --silent --fail "$double_address/double/requests?path=transit/$1/*" | grep -o '"batch_size":[0-9]*' |
    awk -F: -v answered="${answered%% *}" -v requests_per_key="$([[ $1 == decrypt ]] && echo 2 || echo 1)" '
      { calls++; keys += $2 ? $2 : 1 }
      END { printf "calls=%d calls_per_key=%.4f keys_per_call=%.2f", calls, calls * requests_per_key / answered, keys / calls }'
}

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2
dotnet build "$root/tests/KmsSidecar.VaultDouble" --configuration Release --nologo --verbosity quiet >&2

start_double
start_pace
declare -A address_of=([openbao]=$paced_address [double]=$double_address)
servers=(openbao double)
for server in "${servers[@]}"; do
  start_sidecar "$server-cached" "${address_of[$server]}" true
  start_sidecar "$server-uncached" "${address_of[$server]}" false
done

for ((round = 1; round <= rounds; round++)); do
  for server in "${servers[@]}"; do
    for callers in 1 64; do
      for through in direct cached; do load "$round" "$server" "${address_of[$server]}" "$through" generate "$callers"; done
      for through in direct cached uncached; do load "$round" "$server" "${address_of[$server]}" "$through" decrypt "$callers"; done
    done
  done
done

awk -f "$here/rounds.awk" -f "$here/vault.awk" "$results"
cat <<TEXT

Server "double": tests/KmsSidecar.VaultDouble, as fast as it is. "openbao": the same behind a gate that is busy for $per_request µs with each Transit
request and $per_item µs with each item of it, two requests at a time, as OpenBao 2.6.2 was measured; its time passes without using a processor.
$rounds round(s) of $seconds s per cell on $(nproc) cores, which the client, the sidecar, and the double (.NET, one lock) with its gate share.
TEXT
