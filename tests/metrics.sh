#!/usr/bin/env bash
# What a kms-sidecar binary tells of itself, as a Prometheus takes it: its own linter, a scrape, the alert rules and every expression of the
# Grafana dashboard. Keys are in a local directory first and then in a double of OpenBao that is built here, so that there is something to tell of both.
#   tests/metrics.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
# Needs prometheus (with promtool), curl, openssl and python3.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
work=$(mktemp -d)
daemon= double= prometheus=
end() { [ -z "$1" ] || { kill "-${2:-KILL}" "$1" 2>/dev/null; wait "$1" 2>/dev/null; }; }
trap 'end "$prometheus"; end "$daemon"; end "$double"; rm -rf "$work"' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

echo "# the rules"
has "promtool takes them" SUCCESS "$(promtool check rules packaging/prometheus/kms-sidecar.rules.yml 2>&1)"
check "their tests pass" 0 "$(promtool test rules packaging/prometheus/kms-sidecar.test.yml >"$work/rules" 2>&1; echo $?)"

# --- a daemon that has moved from a local directory to Vault
dotnet build tests/KmsSidecar.VaultDouble -c Release --nologo -v quiet || exit 1
dotnet .build/bin/KmsSidecar.VaultDouble/release/KmsSidecar.VaultDouble.dll --listen 127.0.0.1:0 --ready-file "$work/vault" --root-token-file "$work/root" >"$work/vault.log" 2>&1 &
double=$!
wait_for 30 test -s "$work/vault" || { cat "$work/vault.log"; not_ok "start the double" "it is not ready"; report; exit 1; }
address=$(cat "$work/vault")
vault() { curl -sS --max-time 30 -H "X-Vault-Token: $(cat "$work/root")" -X "$1" -d "$3" "$address/v1/$2"; }
vault POST sys/mounts/transit '{"type":"transit"}'
vault POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
vault POST transit/keys/metrics '{"type":"aes256-gcm96"}' >/dev/null
vault POST auth/token/create '{"policies":["root"],"ttl":"1h"}' >"$work/token"

port=$(free_port)
"$binary" serve --listen "127.0.0.1:$port" --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --state-dir "$work/state" 2>"$work/log" &
daemon=$!
wait_for 20 curl -sf "http://127.0.0.1:$port/livez" || { tail -n 5 "$work/log"; not_ok "start" "the daemon does not answer"; report; exit 1; }
admin() { curl -sS --max-time 60 --unix-socket "$work/admin.sock" "http://kms/rustfs/admin/v3/kms/$1" "${@:2}"; }
data() { curl -sS --max-time 30 --unix-socket "$work/kms.sock" "http://kms/v1/$1" "${@:2}"; }
load() { # requests of every operation, one of which nobody can open
  local key
  key=$(data generate-data-key -d '{}')
  for operation in decrypt rewrap; do data $operation -o /dev/null -d '{"ciphertext_blob":"'"$(text ciphertext_blob "$key")"'"}'; done
  data encrypt -o /dev/null -d '{"plaintext":"aGVsbG8="}'
  data decrypt -o /dev/null -d '{"ciphertext_blob":"e30="}'
  curl -s -o /dev/null "http://127.0.0.1:$port/rustfs/admin/v3/kms/status"
  curl -s -o /dev/null "http://127.0.0.1:$port/readyz"
}

echo "# the text"
lint() { curl -s "http://127.0.0.1:$port/metrics" | promtool check metrics 2>&1; }
check "promtool has nothing to say before there is a configuration" "" "$(lint)"
admin configure -o /dev/null -d '{"backend_type":"local","key_dir":"'"$work/keys"'","default_key_id":"metrics"}'
admin start -o /dev/null -X POST
former=$(text ciphertext_blob "$(data generate-data-key -d '{}')")
has "moved to Vault" '"success":true' "$(admin reconfigure -d '{"backend_type":"vault","address":"'"$address"'","default_key_id":"metrics","auth_method":{"token":"'"$(text client_token "$(cat "$work/token")")"'"}}')"
data decrypt -o /dev/null -d '{"ciphertext_blob":"'"$former"'"}'
load
check "promtool has nothing to say of a daemon at work" "" "$(lint)"
check "OpenMetrics, for those who ask for it" "application/openmetrics-text; version=1.0.0; charset=utf-8" \
  "$(curl -s -o "$work/open" -w '%{content_type}' -H 'Accept: application/openmetrics-text' "http://127.0.0.1:$port/metrics")"
check "it has its end" "# EOF" "$(tail -n 1 "$work/open")"

echo "# a real Prometheus"
web=$(free_port)
sed "s|127.0.0.1:9020|127.0.0.1:$port|; s|15s|1s|; s|/usr/share/doc/kms-sidecar/examples/prometheus|$PWD/packaging/prometheus|" packaging/prometheus/kms-sidecar.scrape.yml >"$work/prometheus.yml"
check "the example is a configuration" 0 "$(promtool check config "$work/prometheus.yml" >"$work/config" 2>&1; echo $?)"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$web" --log.level=warn >"$work/prometheus.log" 2>&1 &
prometheus=$!
query() { # EXPRESSION: "error", or a line for each result: its value
  curl -sS --max-time 30 --data-urlencode "query=$1" "http://127.0.0.1:$web/api/v1/query" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
if answer["status"] != "success":
    print("error", answer.get("error"))
else:
    [print(one["value"][1]) for one in answer["data"]["result"]]'
}
is() { [ "$(query "$1")" = "$2" ]; }
wait_for 60 is 'up{job="kms-sidecar"}' 1
check "the daemon is up" 1 "$(query 'up{job="kms-sidecar"}')"
check "the scrape is taken in OpenMetrics form too" 0 "$(query 'scrape_samples_scraped{job="kms-sidecar"} - scrape_samples_post_metric_relabeling{job="kms-sidecar"}')"
for _ in 1 2 3 4 5; do load; done
enough() { [ "$(query 'count_over_time(up{job="kms-sidecar"}[1m])')" -ge 6 ]; }
wait_for 60 enough
check "running" 1 "$(query 'kms_sidecar_state{state="Running"}')"
check "data keys that were made, native form" 7 "$(query 'sum(kms_sidecar_requests_total{operation="generate_data_key",result="success"})')"
check "nothing failed by our fault" 0 "$(query 'sum(kms_sidecar_operation_failures_total)')"
check "what did not open" 6 "$(query 'kms_sidecar_requests_total{operation="decrypt",result="invalid"}')"
check "strangers" 6 "$(query 'sum(kms_sidecar_authentication_failures_total)')"
check "the former backend was needed" 1 "$(query 'kms_sidecar_decrypt_only_opened_total')"
check "the token's life" 1 "$(query 'rustfs_kms_vault_token_ttl_seconds > bool 3000')"
check "no breaker is open" 0 "$(query 'max(rustfs_kms_backend_circuit_open)')"
check "memory" 1 "$(query 'process_resident_memory_bytes > bool 1e6')"
check "no alert fires" "" "$(query 'ALERTS{alertstate="firing",severity!="info"}')"

echo "# the dashboard"
empty='_changes_total|_tls_|_lost_|circuit_open.*> 0|attempt_failures|shared_items|kms_sidecar_keys'
python3 - packaging/grafana/kms-sidecar.json >"$work/expressions" <<'P'
import json, sys
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel.get("targets", []):
        expression = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        print(panel["title"], expression, sep="\t")
P
check "it has expressions" 1 "$(($(wc -l <"$work/expressions") > 40))"
while IFS=$'\t' read -r title expression; do
  found=$(query "$expression")
  case $found in
    error*) not_ok "$title" "$expression: $found" ;;
    "") if [[ $expression =~ $empty ]]; then ok "$title: nothing, as there is none"; else not_ok "$title" "no value: $expression"; fi ;;
    *) ok "$title" ;;
  esac
done <"$work/expressions"

echo "# a daemon that is gone"
end "$daemon" TERM
daemon=
wait_for 60 is 'ALERTS{alertname="KmsSidecarDown"} == bool 1' 1
check "is noticed" 1 "$(query 'ALERTS{alertname="KmsSidecarDown"}')"
report
