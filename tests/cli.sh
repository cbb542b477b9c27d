#!/usr/bin/env bash
# Drives every command that asks a daemon, over the admin socket and over TCP, with answers read by python3 and terminals made by script(1).
#   tests/cli.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=$(realpath "${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}")
work=$(mktemp -d)
chmod 755 "$work"
unset KMS_SIDECAR_ENDPOINT RUSTFS_ACCESS_KEY RUSTFS_SECRET_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION \
  AWS_DEFAULT_REGION NO_COLOR
export HOME=$work KMS_SIDECAR_ADMIN_SOCKET=$work/admin.sock TERM=xterm
secret=cli-secret-$$
daemon='' others=()

cleanup() {
  kill -KILL "$daemon" "${others[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

# k ARGS...: $out, $err and $code of a command
k() {
  out=$(timeout 60 "$binary" "$@" 2>"$work/err" </dev/null)
  code=$? err=$(cat "$work/err")
}
# does NAME CODE TEXT ARGS...: ends with CODE, and TEXT is in what it prints
does() {
  local name=$1 expected=$2 text=$3
  shift 3
  k "$@"
  check "$name: exit code" "$expected" "$code"
  has "$name" "$text" "$out$err"
}
json() { printf '%s' "$out" | python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
# on_terminal COMMAND: what it prints on one, the input is that of this script
on_terminal() { script -qec "$1" /dev/null; }

"$binary" tls init --dir "$work/tls" >/dev/null || { not_ok "tls init" "no certificate"; report; exit 1; }
RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=$secret "$binary" serve --listen http://127.0.0.1:0 --listen https://127.0.0.1:0 --tls-cert "$work/tls/server.pem" \
  --tls-key "$work/tls/server-key.pem" --socket "$work/kms.sock" --state-dir "$work/state" --allow-immediate-deletion --log-format text 2>"$work/log" &
daemon=$!
wait_for 30 grep -q 'ready: ' "$work/log" || { cat "$work/log"; not_ok "start" "the daemon is not ready"; report; exit 1; }
http=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$work/log" | tail -n 1)
https=$(grep -oE 'https://127\.0\.0\.1:[0-9]+' "$work/log" | tail -n 1)

echo "# the life of a service"
does "status before a configuration" 1 "next: kms-sidecar configure -f FILE" status
does "start before a configuration" 65 "kms-sidecar configure -f FILE first" start
printf '{"backend_type":"local","key_dir":"%s/keys","default_key_id":"app"}' "$work" >"$work/desired.json"
does "configure, rehearsed" 0 "nothing was changed" configure -f "$work/desired.json" --dry-run
has "configure, rehearsed: the settings" "default_key_id  (default)  app" "$out"
does "configure" 0 "next: kms-sidecar start" configure -f "$work/desired.json"
does "status when stopped" 1 "next: kms-sidecar start" status
does "start" 0 "started" start
does "status" 0 "healthy" status
has "status: who changed it last" "configure by uid $(id -u)" "$out"
does "start again" 65 "--force" start
does "start --force" 0 "restarted" start --force
does "configure while running" 65 "use reconfigure" configure -f "$work/desired.json"
does "reconfigure, rehearsed" 0 "cache_ttl_seconds  (default)  600" reconfigure cache_ttl_seconds=600 --dry-run
does "reconfigure" 0 "reconfigured" reconfigure cache_ttl_seconds=600 enable_cache=true
out=$(printf '{"cache_ttl_seconds":700}' | timeout 60 "$binary" reconfigure -f -)
check "reconfigure from standard input" 0 $?
does "a setting back to its default" 0 "reconfigured" reconfigure enable_cache=
does "history" 0 "cache_ttl_seconds" history
does "diff" 0 "600" diff 2 3
does "rollback, rehearsed" 0 "nothing was changed" rollback --dry-run
does "rollback" 0 "rolled back" rollback --generation 1
does "a generation that is not kept" 65 "kms-sidecar history" rollback --generation 99
mkdir "$work/other"
does "another backend" 0 "reconfigured" reconfigure "key_dir=$work/other"
does "the former one goes on" 0 "local" decrypt-only list
former=$(k decrypt-only list --json; json 'd["decrypt_only"][0]["name"]')
does "and is dropped when somebody insists" 0 "dropped" decrypt-only drop "$former" --force
does "nothing is left to drop" 65 "kms-sidecar status lists them" decrypt-only drop "$former"
does "clear-cache" 0 "cleared" clear-cache

echo "# keys"
does "create" 0 "photos, Enabled" keys create photos --description 'all photos' --tag team=media
does "a taken id" 65 "exists" keys create photos
does "list" 0 "photos" keys list
does "show" 0 "team=media" keys show photos
does "tag" 0 "photos" keys tag photos a=1 b=2
does "untag" 0 "photos" keys untag photos a
does "describe" 0 "photos" keys describe photos "more photos"
does "rotate" 0 "photos" keys rotate photos
does "disable" 0 "photos, Disabled" keys disable photos
does "enable" 0 "photos, Enabled" keys enable photos
k keys show photos --json
check "what became of it" "more photos b" "$(json 'd["key_metadata"]["description"], " ".join(t for t in d["key_metadata"]["tags"] if len(t) == 1), sep=" "')"
does "delete" 0 "cancel-deletion photos" keys delete photos --days 8
does "a key that is to be deleted" 65 "next: kms-sidecar keys cancel-deletion" keys disable photos
does "cancel-deletion" 0 "photos, Enabled" keys cancel-deletion photos
does "at once, and nobody to ask" 64 "--yes" keys delete photos --now
check "at once, and the wrong answer" 1 "$(printf 'phots\n' | on_terminal "'$binary' keys delete photos --now" >/dev/null 2>&1; echo $?)"
check "at once, and the right one" 0 "$(printf 'photos\n' | on_terminal "'$binary' keys delete photos --now" >/dev/null 2>&1; echo $?)"
does "it is gone" 65 "next: kms-sidecar keys list" keys show photos
for i in $(seq 1001); do
  printf 'next\nurl=http://kms/rustfs/admin/v3/kms/keys\nunix-socket=%s/admin.sock\noutput=/dev/null\ndata={"key_name":"many-%04d"}\n' "$work" "$i"
done | sed 1d >"$work/many"
curl -sS --max-time 120 -K "$work/many"
k keys list --json
check "every page of a long list" "1002 False" "$(json 'len(d["keys"]), d["truncated"]' | tr -d '(),')"
check "a reader that leaves early" "many-0001" "$(timeout 60 "$binary" keys list 2>"$work/err" | head -n 3 | grep -o 'many-0001')"
lacks "and no word of it" "xception" "$(cat "$work/err")"

echo "# people"
printf '{"Statement":[{"Effect":"Allow","Action":"kms:*"},{"Effect":"Deny","Action":"kms:*","Resource":"arn:aws:kms:::key/app"}]}' >"$work/policy.json"
does "policy put" 0 "stored" policy put not-app -f "$work/policy.json"
does "policy list" 0 "not-app" policy list
does "policy show" 0 '"Deny"' policy show not-app
does "users create" 0 "not told again" users create ann --policy not-app
ann=$(printf '%s' "$out" | sed -nE 's/^secret key.*: //p')
check "a secret of 40 characters" 40 "${#ann}"
printf 'own-secret-of-bob\n' >"$work/bob"
does "a secret that others can read" 77 "chmod 600" users create bob --secret-file "$work/bob"
chmod 600 "$work/bob"
does "users create with a secret of one's own" 0 "created" users create bob --secret-file "$work/bob" --policy KMSAuditor
lacks "which is not told" own-secret "$out"
does "users list" 0 "bob" users list
does "users update" 0 "disabled" users update bob --disable
does "users show" 0 "KMSAuditor" users show bob
does "users delete" 0 "deleted" users delete bob
does "a user that is not there" 65 "next: kms-sidecar users list" users show bob
does "policy check: no" 1 "denied" policy check --user ann --action kms:DescribeKey --resource app
does "policy check: yes" 0 "allowed" policy check --user ann --action kms:DescribeKey --resource many-0001
does "a policy that somebody has" 65 "attached" policy delete not-app

echo "# over TCP"
export KMS_SIDECAR_ENDPOINT=$http
unset KMS_SIDECAR_ADMIN_SOCKET
does "no credentials" 78 "RUSTFS_ACCESS_KEY" status
export RUSTFS_ACCESS_KEY=boss RUSTFS_SECRET_KEY=$secret
does "RustFS's variables" 0 "healthy" status
does "a change, and a query" 0 "nothing was changed" reconfigure cache_ttl_seconds=9 --dry-run
does "a region that is not the daemon's" 65 "--region" status --region mars-1
RUSTFS_SECRET_KEY=wrong does "a wrong secret" 77 "the secret key is not the one of this access key" status
RUSTFS_ACCESS_KEY=stranger does "an unknown access key" 77 "--profile" status
unset RUSTFS_ACCESS_KEY RUSTFS_SECRET_KEY
AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY=$secret does "AWS's variables" 0 "healthy" status
printf 'RUSTFS_ACCESS_KEY=ann\nRUSTFS_SECRET_KEY=%s\n' "$ann" >"$work/ann"
does "a credentials file that others can read" 77 "chmod 600" keys show many-0001 --credentials-file "$work/ann"
chmod 600 "$work/ann"
does "a credentials file" 0 "many-0001" keys show many-0001 --credentials-file "$work/ann"
does "what a policy denies" 77 "policy check" keys show app --credentials-file "$work/ann"
does "a credentials file that is not there" 66 "does not exist" status --credentials-file "$work/none"
mkdir "$work/.aws"
printf '[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n\n[kms]\naws_access_key_id = boss\naws_secret_access_key = %s\n' "$secret" >"$work/.aws/credentials"
chmod 600 "$work/.aws/credentials"
does "a profile" 0 "healthy" status --profile kms
AWS_PROFILE=kms does "AWS_PROFILE" 0 "healthy" status
does "the default profile" 77 "the access key" status
does "a profile that is not there" 66 "no profile 'other'" status --profile other
printf '[profile kms]\nregion = mars-1\n' >"$work/.aws/config"
does "the region of a profile" 65 "--region" status --profile kms
rm "$work/.aws/config"
assumed=$(curl -sS --max-time 30 --aws-sigv4 aws:amz:us-east-1:sts --user "ann:$ann" -d 'Action=AssumeRole&Version=2011-06-15&RoleSessionName=s1' "$http/")
member() { printf '%s' "$assumed" | sed -nE "s|.*<$1>([^<]*)</$1>.*|\1|p"; }
printf '[session]\naws_access_key_id=%s\naws_secret_access_key=%s\naws_session_token=%s\n' \
  "$(member AccessKeyId)" "$(member SecretAccessKey)" "$(member SessionToken)" >>"$work/.aws/credentials"
does "a session token" 0 "many-0001" keys show many-0001 --profile session
does "TLS of an authority that nobody knows" 69 "--ca-file" status --endpoint "$https" --profile kms
does "TLS" 0 "healthy" status --endpoint "$https" --ca-file "$work/tls/ca.pem" --profile kms
does "a CA file that is not there" 66 "--ca-file" status --endpoint "$https" --ca-file "$work/none" --profile kms
does "plain HTTP to elsewhere" 64 "--insecure-http" status --endpoint http://192.0.2.1:9020 --profile kms
does "what is no endpoint" 64 "http(s)://HOST:PORT" status --endpoint 127.0.0.1:9020
does "two doors" 64 "exclude each other" status --endpoint "$http" --admin-socket "$work/admin.sock"
does "two identities" 64 "exclude each other" status --profile kms --credentials-file "$work/ann"
does "nobody there" 69 "nothing listens" status --endpoint http://127.0.0.1:1 --profile kms
unset KMS_SIDECAR_ENDPOINT
export KMS_SIDECAR_ADMIN_SOCKET=$work/admin.sock

echo "# what answers is something else"
# Says its port; answers everything with a page, or with nothing at all.
python3 -u - page >"$work/page-port" 2>/dev/null <<'PY' &
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-type", "text/html"); self.end_headers(); self.wfile.write(b"<html>hello</html>")
server = http.server.HTTPServer(("127.0.0.1", 0), Page)
print(server.server_port)
server.serve_forever()
PY
others+=($!)
python3 -u - >"$work/mute-port" <<'PY' &
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1])
time.sleep(600)
PY
others+=($!)
wait_for 20 test -s "$work/page-port" && wait_for 20 test -s "$work/mute-port"
does "a web server" 69 "not this program's daemon" status --endpoint "http://127.0.0.1:$(cat "$work/page-port")" --profile kms
mute=(status --endpoint "http://127.0.0.1:$(cat "$work/mute-port")" --profile kms)
does "a server that says nothing" 69 "did not answer in 1 s" "${mute[@]}" --timeout 1
timeout --preserve-status -s INT 2 "$binary" "${mute[@]}" >/dev/null 2>&1
check "Ctrl-C ends a command" 130 $?
"$binary" "${mute[@]}" >/dev/null 2>&1 &
waiting=$!
others+=("$waiting")
wait_for 20 grep -q '.' "/proc/$waiting/cmdline"
lacks "no secret on the command line" "$secret" "$(tr '\0' ' ' <"/proc/$waiting/cmdline")"
lacks "none of the profile in the environment" "$secret" "$(tr '\0' ' ' <"/proc/$waiting/environ")"
check "no children" "" "$(cat /proc/$waiting/task/*/children)"
kill "$waiting"
does "no such socket" 69 "next: systemctl start kms-sidecar" status --admin-socket "$work/none.sock"
python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$work/dead.sock"
does "a socket that nobody listens on" 69 "the daemon has ended" status --admin-socket "$work/dead.sock"
does "the data socket" 65 "data socket" status --admin-socket "$work/kms.sock"
if [ "$(id -u)" = 0 ]; then
  out=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$binary" status 2>&1)
  check "somebody else: exit code" 77 $?
  has "somebody else" "--admin-group" "$out"
fi

echo "# how it looks"
coloured() { printf '%s' "$1" | grep -qE $'\e\\[[0-9;]+m'; }
looks() { # NAME yes|no OUTPUT
  check "$1" "$2" "$(coloured "$3" && echo yes || echo no)"
}
looks "colours on a terminal" yes "$(on_terminal "'$binary' status")"
looks "none with NO_COLOR" no "$(NO_COLOR=1 on_terminal "'$binary' status")"
looks "none on a dumb terminal" no "$(TERM=dumb on_terminal "'$binary' status")"
looks "none on a pipe" no "$("$binary" status)"
for command in "status" "history" "diff" "keys list" "keys show app" "users list" "users show ann" "policy list" "policy show not-app" "decrypt-only list" "clear-cache"; do
  # shellcheck disable=SC2086
  k $command --json
  check "$command --json" "dict" "$(json 'type(d).__name__')"
done
k keys show none --json
check "a fault with --json: nothing on standard output" "" "$out"
out=$err
check "a fault with --json: on standard error" "KeyNotFound 65 kms-sidecar keys list" "$(json 'd["code"], d["exit_code"], d["next"], sep=" "')"
does "a secret on the command line" 64 "--file" reconfigure master_key=hunter2
lacks "is not repeated" hunter2 "$out$err"
does "an unknown setting" 64 "cache_ttl_seconds" reconfigure ttl=1
does "a document that is none" 65 "line 1" configure -f "$work/ann"
does "a document that is not there" 66 "does not exist" configure -f "$work/none"
does "help has an example" 0 "kms-sidecar keys create objects-2" keys create --help
does "an unknown command" 64 "" statis
does "stop" 0 "next: kms-sidecar start" stop
does "keys of a service that does not run" 69 "next: kms-sidecar start" keys list

report
