#!/usr/bin/env bash
# Compares a key directory of many keys with one of ten: start, pages of a listing, data keys, memory. On the published daemon.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/many-keys.sh [--binary PATH] [N]
  N              keys in the large directory; default 100000
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

many=100000 few=10 rounds=5
option() { [[ $1 =~ ^[0-9]+$ ]] && many=$1; }
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"
declare -A pid_of=()

kms() { # NAME ROUTE [curl's options]: over that daemon's admin socket
  local name=$1 route=$2
  shift 2
  curl --silent --fail --unix-socket "$work/$name/admin.sock" "$@" "http://kms/rustfs/admin/v3/kms/$route"
}

serve_in() { # NAME
  serve --socket "$work/$1/kms.sock" --admin-socket "$work/$1/admin.sock" --state-dir "$work/$1/state"
  pid_of[$1]=$!
}

start() { # NAME: until its first data key; the milliseconds are in $started
  local begun=${EPOCHREALTIME/./}
  serve_in "$1"
  until_ready "${pid_of[$1]}" gives_a_data_key "$work/$1/kms.sock"
  started=$(((${EPOCHREALTIME/./} - begun) / 1000))
}

# One key is made by the daemon; the others have its material under other names, which a record of RustFS's format does not mind.
prepare() { # NAME COUNT
  mkdir -p "$work/$1"
  serve_in "$1"
  until_ready "${pid_of[$1]}" kms "$1" status --output /dev/null
  kms "$1" configure --output /dev/null --data "{\"backend_type\":\"local\",\"key_dir\":\"$work/$1/keys\",\"default_key_id\":\"key-0000000\"}"
  kms "$1" start --output /dev/null --request POST
  stop "${pid_of[$1]}"
  perl -e '
    my ($dir, $count) = @ARGV;
    open my $in, "<", "$dir/key-0000000.key" or die $!;
    my $record = do { local $/; <$in> };
    for my $i (1 .. $count - 1) {
      my $id = sprintf "key-%07d", $i;
      (my $copy = $record) =~ s/key-0000000/$id/g;
      open my $out, ">", "$dir/$id.key" or die $!;
      print $out $copy;
      close $out or die $!;
      chmod 0600, "$dir/$id.key";
    }' "$work/$1/keys" "$2"
}

median() { sort -n | sed -n "$((($1 + 1) / 2))p"; }

page_ms() { # NAME MARKER: the median of a page of 100
  for ((i = 0; i < rounds; i++)); do kms "$1" "keys?limit=100&marker=$2" --output /dev/null --write-out '%{time_total}\n'; done |
    awk '{ printf "%.1f\n", $1 * 1000 }' | median "$rounds"
}

generate_us() { # NAME CONNECTIONS: p50
  "$root/.build/bin/KmsSidecar.Bench/release/KmsSidecar.Bench" load --target "$work/$1/kms.sock" --operation generate \
    --connections "$2" --warmup 0.5 --duration 2 | sed -nE 's/.* p50_us=([0-9.]+).*/\1/p'
}

resident_mib() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/${pid_of[$1]}/status"; }

dotnet build "$here/KmsSidecar.Bench" --configuration Release --nologo --verbosity quiet >&2
prepare few "$few"
prepare many "$many"
declare -A start_ms=()
for name in few many; do
  times=()
  for ((i = 0; i < rounds; i++)); do
    start "$name"
    times+=("$started")
    stop "${pid_of[$name]}"
  done
  start_ms[$name]=$(printf '%s\n' "${times[@]}" | median "$rounds")
done

start few
start many
begun=$SECONDS
until kms many status | grep -q '"unchecked_key_count":0'; do sleep 0.2; done
scan=$((SECONDS - begun))
scanned=$(resident_mib many)
pages=("$(page_ms many '')" "$(page_ms many "$(printf 'key-%07d' $((many / 2)))")" "$(page_ms many "$(printf 'key-%07d' $((many - 101)))")")

echo "| | $few keys | $many keys | ratio |"
echo "| --- | ---: | ---: | ---: |"
echo "| start to first data key, ms | ${start_ms[few]} | ${start_ms[many]} | $(awk "BEGIN { printf \"%.2f\", ${start_ms[many]} / ${start_ms[few]} }") |"
for connections in 1 16; do
  for ((i = 0; i < rounds; i++)); do echo "$(generate_us few "$connections") $(generate_us many "$connections")"; done |
    awk '{ printf "%s %s %.3f\n", $1, $2, $2 / $1 }' | sort -n -k3 | sed -n "$(((rounds + 1) / 2))p" |
    awk -v c="$connections" '{ printf "| generate, p50 at %s connection(s), µs | %s | %s | %.2f |\n", c, $1, $2, $3 }'
done
echo "| resident after that, MiB | $(resident_mib few) | $(resident_mib many) | |"
echo
echo "A page of 100 keys takes ${pages[0]} ms at the start of the listing, ${pages[1]} ms in the middle, ${pages[2]} ms at the end (a request of curl included)."
echo "All keys were looked at in the background in $scan s; resident then $scanned MiB. Medians of $rounds, on $(nproc) cores shared with the client."
