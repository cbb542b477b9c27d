#!/usr/bin/env bash
# The life of keys on a kms-sidecar binary, with curl on its real sockets: states, rotation, rewrap, deletion, and kill -9 amid rotations.
#   tests/keys.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}
port=${KMS_KEYS_PORT:-9022}
work=$(mktemp -d)
socket=$work/kms.sock
keys=$work/keys
kms=http://127.0.0.1:$port/rustfs/admin/v3/kms
secret=keys-secret-$$
daemon=

start_daemon() { # extra flags
  RUSTFS_ACCESS_KEY=keys RUSTFS_SECRET_KEY=$secret "$binary" serve --listen "127.0.0.1:$port" \
    --socket "$socket" --admin-socket "$work/admin.sock" --state-dir "$work/state" "$@" 2>>"$work/log" &
  daemon=$!
  wait_for 20 curl -sf "http://127.0.0.1:$port/livez" || { tail -n 5 "$work/log"; not_ok "start" "the daemon does not answer"; report; exit 1; }
}

end_daemon() { kill "-$1" "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
trap 'end_daemon KILL; rm -rf "$work"' EXIT

signed() { curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user "keys:$secret" "$@"; }
data() { curl -sS --max-time 30 --unix-socket "$socket" "$@"; }
code() { "$@" -o /dev/null -w '%{http_code}'; }

create() { signed -d "{\"key_name\":\"$1\"}" "$kms/keys"; }
change() { signed -d "{\"key_id\":\"$2\"}" "$kms/keys/$1"; }
delete() { signed -X DELETE -d "$1" "$kms/keys/delete"; }
generate() { data -d "{\"key_id\":\"$1\"}" http://kms/v1/generate-data-key; }
decrypt() { data -d "{\"ciphertext_blob\":\"$1\"}" http://kms/v1/decrypt; }
state() { text key_state "$(signed "$kms/keys/$1")"; }

# opens NAME MADE VERSION: what generate answered opens, by that version of its key
opens() {
  local opened
  opened=$(decrypt "$(text ciphertext_blob "$2")")
  check "$1" "$(text plaintext_key "$2")" "$(text plaintext_key "$opened")"
  has "$1, by version $3" "\"key_version\":$3," "$opened"
}

start_daemon
signed -o /dev/null -d "{\"backend_type\":\"local\",\"key_dir\":\"$keys\",\"default_key_id\":\"main\"}" "$kms/configure"
check "start" 200 "$(code signed -X POST "$kms/start")"

echo "# rotation and rewrap"
has "create" '"success":true' "$(create app)"
first=$(generate app)
has "rotate" '"message":"key rotated successfully"' "$(change rotate app)"
second=$(generate app)
has "a new data key is of version 2" '"key_version":2' "$second"
opens "what was made before opens" "$first" 1
opens "what was made after opens" "$second" 2
moved=$(data -d "{\"ciphertext_blob\":\"$(text ciphertext_blob "$first")\"}" http://kms/v1/rewrap)
has "rewrap goes to the newest version" '"key_version":2' "$moved"
check "and keeps the data key" "$(text plaintext_key "$first")" "$(text plaintext_key "$(decrypt "$(text ciphertext_blob "$moved")")")"
many=$(data -d "{\"items\":[{\"ciphertext_blob\":\"$(text ciphertext_blob "$first")\"},{\"ciphertext_blob\":\"AAAA\"},{\"ciphertext_blob\":\"$(text ciphertext_blob "$second")\"}]}" http://kms/v1/rewrap)
check "of three in one call, two are rewrapped" 2 "$(printf '%s' "$many" | grep -o '"key_version":2' | wc -l)"
has "and the bad one fails alone" '"code":"InvalidCiphertext"' "$many"
check "many under an unknown key" 404 "$(code data -d '{"items":[{"ciphertext_blob":"AAAA"}],"key_id":"nope"}' http://kms/v1/rewrap)"

echo "# states"
has "disable" '"key_state":"Disabled"' "$(change disable app)"
check "a disabled key makes no data keys" 409 "$(code data -d '{"key_id":"app"}' http://kms/v1/generate-data-key)"
opens "but opens what it made" "$first" 1
check "and is not rotated" 409 "$(code signed -d '{"key_id":"app"}' "$kms/keys/rotate")"
check "a window of 6 days" 400 "$(code signed -X DELETE -d '{"key_id":"app","pending_window_in_days":6}' "$kms/keys/delete")"
check "a window of 31 days" 400 "$(code signed -X DELETE -d '{"key_id":"app","pending_window_in_days":31}' "$kms/keys/delete")"
scheduled=$(delete '{"key_id":"app","pending_window_in_days":7}')
has "schedule a deletion" '"message":"key deleted successfully"' "$scheduled"
has "with its date" "$(date -u -d '+7 days' +%Y-%m-)" "$(text deletion_date "$scheduled")"
check "the key is pending" PendingDeletion "$(state app)"
opens "a pending key opens what it made" "$second" 2
check "cancelled by query" 200 "$(code signed -X POST "$kms/keys/cancel-deletion?keyId=app")"
check "it is disabled, as before" Disabled "$(state app)"
has "enable" '"key_state":"Enabled"' "$(change enable app)"
check "the default key may be scheduled" 200 "$(code signed -X DELETE -d '{"key_id":"main"}' "$kms/keys/delete")"
has "its description says what depends on it" '"kind":"service-default-key"' "$(signed "$kms/keys/main?impact=true")"
has "and its deletion can be cancelled" '"key_state":"Enabled"' "$(change cancel-deletion main)"

echo "# metadata and listings"
has "description" '"description":"for apps"' "$(signed -d '{"key_id":"app","description":"for apps"}' "$kms/keys/update-description")"
has "tag" '"env":"prod"' "$(signed -d '{"key_id":"app","tags":{"env":"prod"}}' "$kms/keys/tag")"
lacks "untag" '"env"' "$(signed -d '{"key_id":"app","tag_keys":["env"]}' "$kms/keys/untag")"
check "the tag 'name' stays" 400 "$(code signed -d '{"key_id":"app","tag_keys":["name"]}' "$kms/keys/untag")"
for name in p1 p2 p3 p4 p5; do create "$name" >/dev/null; done
change disable p3 >/dev/null
has "filter by status" '"key_id":"p3"' "$(signed "$kms/keys?status=disabled")"
lacks "which leaves the others out" '"key_id":"p4"' "$(signed "$kms/keys?status=disabled")"
check "an unknown status" 400 "$(code signed "$kms/keys?status=asleep")"
listed='' marker=''
for _ in 1 2 3 4 5 6 7 8; do
  page=$(signed "$kms/keys?limit=2&marker=$marker")
  listed="$listed $(printf '%s' "$page" | grep -o '"key_id":"[^"]*"' | cut -d'"' -f4 | tr '\n' ' ')"
  marker=$(text next_marker "$page")
  [ -n "$marker" ] || break
done
check "pages of two have every key once" "app main p1 p2 p3 p4 p5" "$(echo $listed)"

echo "# immediate deletion"
confirmed='{"key_id":"p5","force_immediate":true,"confirm_key_id":"p5"}'
check "refused without the flag" 400 "$(code signed -X DELETE -d "$confirmed" "$kms/keys/delete")"
end_daemon TERM
start_daemon --allow-immediate-deletion
check "refused without confirmation" 400 "$(code signed -X DELETE -d '{"key_id":"p5","force_immediate":true}' "$kms/keys/delete")"
check "refused by query" 400 "$(code signed -X DELETE "$kms/keys/delete?force_immediate=true&keyId=p5")"
check "refused for the default key" 409 "$(code signed -X DELETE -d '{"key_id":"main","force_immediate":true,"confirm_key_id":"main"}' "$kms/keys/delete")"
check "the key is still there" Enabled "$(state p5)"
check "done with both" 200 "$(code signed -X DELETE -d "$confirmed" "$kms/keys/delete")"
check "the key is gone" 404 "$(code signed "$kms/keys/p5")"
check "and its files are" "" "$(ls "$keys" | grep -w p5)"

echo "# the directory, as RustFS reads it"
if command -v python3 >/dev/null; then
  # RustFS takes each *.key for a record: 32 bytes of material and their tag, a nonce, under the id that names the file.
  unreadable=$(python3 - "$keys" <<'PY'
import base64, json, pathlib, sys
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.key")):
    try:
        record = json.loads(file.read_text())
        assert record["format_version"] == 1 and record["key_id"] == file.stem and record["version"] >= 1, "id or versions"
        assert record["algorithm"] == "AES_256" and record["status"] in ("Active", "Disabled", "PendingDeletion"), "algorithm or status"
        assert len(base64.b64decode(record["encrypted_key_material"])) == 48 and len(record["nonce"]) == 12, "material or nonce"
    except Exception as fault:
        print(file.name, repr(fault))
PY
  )
  check "every *.key is a record that RustFS knows" "" "$unreadable"
else
  echo "skip the directory (needs python3)"
fi

echo "# kill -9 amid rotations"
made=()
for round in 1 2 3; do
  made+=("$(generate app)")
  (while change rotate app >/dev/null 2>&1; do :; done) &
  loop=$!
  sleep "0.$((round * 7 % 10 + 1))"
  end_daemon KILL
  kill "$loop" 2>/dev/null
  wait "$loop" 2>/dev/null
  start_daemon
done
failures=0
for one in "$first" "$second" "${made[@]}"; do
  [ "$(text plaintext_key "$one")" = "$(text plaintext_key "$(decrypt "$(text ciphertext_blob "$one")")")" ] || failures=$((failures + 1))
done
check "everything that was ever made opens" 0 "$failures"
version=$(data http://kms/v1/keys/app | grep -o '"key_version":[0-9]*' | cut -d: -f2)
has "the key can be rotated again" '"success":true' "$(change rotate app)"
has "to the next version" "\"key_version\":$((version + 1))" "$(generate app)"
[ "$version" -gt 2 ] && ok "rotations happened ($version versions)" || not_ok "rotations happened" "version $version"

echo "# from RustFS and back"
rustfs=tests/KmsSidecar.Tests/Vectors/rustfs-1.0.0-rc.3/local
cp -r "$rustfs/keys" "$work/rustfs"
chmod 700 "$work/rustfs"
sed -nE 's/.*"master_key": *"([^"]*)".*/\1/p' "$rustfs/data-keys.json" | head -n 1 >"$work/rustfs.key"
chmod 600 "$work/rustfs.key"
import() { "$binary" keys import --from "$work/rustfs" --from-master-key-file "$work/rustfs.key" --state-dir "$work/state" "$@" 2>&1; }
has "a dry run says what would be" "6 keys: 6 would be imported" "$(import --to "$work/imported" --dry-run)"
check "and makes nothing" no "$([ -e "$work/imported" ] && echo yes || echo no)"
has "a directory in use is refused with its process" "(process $daemon)" "$(import --to "$keys")"
has "import" "6 keys: 6 imported" "$(import --to "$work/imported")"
has "again" "6 already there" "$(import --to "$work/imported")"
check "the daemon takes the imported keys" 200 "$(code signed -d "{\"key_dir\":\"$work/imported\",\"default_key_id\":\"app-key\"}" "$kms/reconfigure")"
recorded=$(grep -m 1 -A 1 '"plaintext_key"' "$rustfs/data-keys.json" | tr -d ' \n')
check "what RustFS wrapped opens with them" "$(text plaintext_key "$recorded")" "$(text plaintext_key "$(decrypt "$(text ciphertext_blob "$recorded")")")"
check "and what was made before, from the former directory" "$(text plaintext_key "$first")" "$(text plaintext_key "$(decrypt "$(text ciphertext_blob "$first")")")"
check "rotated keys are not exported" 65 "$("$binary" keys export --from "$keys" --to "$work/exported" --to-master-key-file "$work/rustfs.key" --state-dir "$work/state" >"$work/export.txt"; echo $?)"
has "and are named" "rotated          app " "$(cat "$work/export.txt")"
has "the others are" "exported         main " "$(cat "$work/export.txt")"

echo "# the log"
has "names what was done, to which key, by whom" "key app rotated, its newest version is 2, by access key keys" "$(cat "$work/log")"
lacks "no description in it" "for apps" "$(cat "$work/log")"

report
