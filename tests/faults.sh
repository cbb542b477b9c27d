#!/usr/bin/env bash
# What keeps the daemon from starting: each in one sentence with the mend, and with an exit code of its own. `check` says the same.
#   tests/faults.sh [BINARY]      default: artifacts/linux-x64/kms-sidecar
# Everything as the user who runs it; as root also as another user, with full and read-only disks. A clock that is wrong needs faketime.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

binary=$(realpath "${1:-artifacts/linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/kms-sidecar}")
port=${KMS_FAULTS_PORT:-9031}
work=$(mktemp -d)
chmod 755 "$work"
live=
clean_up() {
  [ -z "$live" ] || kill "$live" 2>/dev/null
  umount "$work"/*/mounted 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
unset INVOCATION_ID NOTIFY_SOCKET CREDENTIALS_DIRECTORY RUSTFS_ACCESS_KEY RUSTFS_SECRET_KEY

# run COMMAND ARGUMENT...: as $user, with the usual arguments of a daemon in $home; what it says is in $said, how it ends in $ended
run() {
  local command=$1
  shift
  said=$(timeout -k 5 20 ${user:+setpriv --reuid=$user --regid=$user --clear-groups} env ${environment:-} KMS_SIDECAR_LISTEN=none \
    KMS_SIDECAR_SOCKET="$home/kms.sock" KMS_SIDECAR_ADMIN_SOCKET=none KMS_SIDECAR_STATE_DIR="$home/state" KMS_SIDECAR_LOG_LEVEL=error \
    ${faked:+faketime "$faked"} "$binary" "$command" "$@" 2>&1 >/dev/null)
  ended=$?
}

# fault NAME CODE TEXT ARGUMENT...: serve ends with the code and one sentence that contains the text, and check gives the same code
fault() {
  local name="${user:+as $user: }$1" code=$2 text=$3
  shift 3
  run serve "$@"
  check "$name" "$code" "$ended"
  has "$name, in words" "$text" "$said"
  check "$name, in one line" 1 "$(grep -c . <<<"$said")"
  check "$name, and nothing else" "kms-sidecar: " "${said:0:13}"
  [ "${checked:-yes}" = no ] && return
  run check "$@"
  check "$name, found by check" "$code" "$ended"
}

# secret NAME MODE CONTENT: a file that the user owns
secret() {
  printf '%s\n' "$3" >"$home/$1"
  chmod "$2" "$home/$1"
  [ -z "$user" ] || chown "$user:$user" "$home/$1"
}

files() {
  local key=0123456789abcdef0123456789abcdef users='{"users":[]}' pair=$'access_key=faults\nsecret_key=hush-hush-hush'
  for mode in 644 640 660; do
    secret "key-$mode" $mode "$key"
    secret "users-$mode" $mode "$users"
    secret "pair-$mode" $mode "$pair"
    cp "$work/tls-key.pem" "$home/tls-$mode"
    chmod $mode "$home/tls-$mode"
    [ -z "$user" ] || chown "$user:$user" "$home/tls-$mode"
    fault "a master key with mode $mode" 77 "the master key file $home/key-$mode is open to others; run: chmod 600 $home/key-$mode" --master-key-file "$home/key-$mode"
    fault "a users file with mode $mode" 77 "the users file $home/users-$mode is open to others; run: chmod 600" --users-file "$home/users-$mode"
    fault "credentials with mode $mode" 77 "the credentials file $home/pair-$mode is open to others; run: chmod 600" --credentials-file "$home/pair-$mode"
    fault "a TLS key with mode $mode" 77 "$home/tls-$mode is open to others; run: chmod 600" \
      --listen "https://127.0.0.1:$port" --tls-cert "$work/tls.pem" --tls-key "$home/tls-$mode"
  done

  secret key-short 600 "too short"
  secret users-bad 600 '{"people":[]}'
  secret pair-bad 600 'garbage'
  fault "a master key that is too short" 78 "make one with: openssl rand -base64 32" --master-key-file "$home/key-short"
  fault "a users file that is none" 78 "'people'" --users-file "$home/users-bad"
  fault "credentials that are none" 78 "line 1" --credentials-file "$home/pair-bad"
  lacks "its content is not repeated" garbage "$said"

  fault "no master key" 66 "$home/nowhere does not exist" --master-key-file "$home/nowhere"
  fault "no users file" 66 "$home/nowhere does not exist" --users-file "$home/nowhere"
  fault "no credentials" 66 "$home/nowhere does not exist" --credentials-file "$home/nowhere"
  fault "no certificate" 66 "$home/nowhere does not exist; make one with: kms-sidecar tls init" \
    --listen "https://127.0.0.1:$port" --tls-cert "$home/nowhere" --tls-key "$home/nowhere"
  fault "no configuration file" 66 "cannot read $home/nowhere: it does not exist" --config "$home/nowhere"
  fault "a wrong setting" 78 "--socket-mode 999: expected an octal mode" --socket-mode 999
}

places() {
  printf 'x' >"$home/file"
  fault "a file in the place of the state directory" 78 "it is not a directory" --state-dir "$home/file"
  fault "a file above the state directory" 78 "it is not a directory" --state-dir "$home/file/state"
  fault "a file in the place of the socket" 78 "$home/file is not a socket; remove it or give another path" --socket "$home/file"

  fault "a port in use" 71 "cannot listen on 127.0.0.1:$port: another process listens there; end it (\`ss -ltnp\` shows it), or give another address with --listen" \
    --listen "127.0.0.1:$port"
  fault "an address of another machine" 71 "no interface has that address" --listen "http://192.0.2.1:$port" --insecure-http
  # Another user cannot even look, for the lock beside it.
  [ -n "$user" ] || fault "a socket in use" 75 "$work/live/kms.sock is in use" --socket "$work/live/kms.sock"
}

home=$work/live
mkdir "$home"
"$binary" tls init --dir "$work/live/tls" >/dev/null
install -m 644 "$work/live/tls/server.pem" "$work/tls.pem"
install -m 600 "$work/live/tls/server-key.pem" "$work/tls-key.pem"
"$binary" serve --listen "127.0.0.1:$port" --socket "$home/kms.sock" --admin-socket none --state-dir "$home/state" --socket-mode 666 2>"$home/log" &
live=$!
wait_for 20 curl -sf "http://127.0.0.1:$port/livez" || { cat "$home/log"; not_ok "start" "the daemon that is in the way does not answer"; report; exit 1; }

echo "# as the user who runs this"
user=
home=$work/own
mkdir "$home"
files
places
checked=no fault "a state directory in use" 75 "$work/live/state is in use by another kms-sidecar (process $live); a directory belongs to one daemon at a time" --state-dir "$work/live/state"

echo "# another master key"
mkdir "$work/other"
cp -a "$work/live/state" "$work/other/state"
secret key-other 600 0123456789abcdef0123456789abcdef
fault "a master key that did not seal the state" 65 "it is not the one that sealed it; give the former one with --master-key-file" \
  --state-dir "$work/other/state" --master-key-file "$home/key-other"
rm "$work/other/state/master.key"
fault "a master key that is gone" 66 "master.key is gone" --state-dir "$work/other/state"

echo "# check"
home=$work/fresh
mkdir "$home"
run check
check "a good start" 0 "$ended"
check "it makes nothing" "" "$(ls -A "$home")"
home=$work/live
said=$("$binary" check --listen "127.0.0.1:$port" --socket "$home/kms.sock" --admin-socket none --state-dir "$home/state" 2>&1)
check "beside the running daemon" 0 $?
has "which it names" "$home/state, which the running daemon has (process $live)" "$said"
has "with its socket" "good: $home/kms.sock, which the running daemon has" "$said"
has "with its address" "good: 127.0.0.1:$port, which the running daemon has" "$said"
has "and the ciphers" "good: ciphers of " "$said"
home=$work/own
said=$("$binary" check --listen none --socket "$home/file" --admin-socket none --state-dir "$work/other/state" --master-key-file "$home/key-other" 2>&1)
check "the code of several faults is the first one's" 65 $?
has "all are named" "$home/file is not a socket" "$said"

echo "# credentials that systemd passes"
home=$work/passed
mkdir "$home"
mkdir -m 700 "$home/passed"
environment=CREDENTIALS_DIRECTORY=$home/passed
secret passed/master-key 440 0123456789abcdef0123456789abcdef
run check
check "a credential is shown as readable by a group" 0 "$ended"
secret passed/users 444 '{"users":[]}'
fault "a credential that everybody can read" 77 "the users file $home/passed/users is open to others"
rm -f "$home/passed/users"
secret passed/tls-cert 440 "none"
fault "a certificate without its key" 78 "systemd credential tls-cert: --tls-key is missing"
environment=

echo "# under systemd: what the sandbox takes away"
if [ "$(id -u)" -eq 0 ] && mkdir "$home/mounted" && mount -t tmpfs -o size=1m tmpfs "$home/mounted" 2>/dev/null; then
  mkdir -m 700 "$home/mounted/state"
  mount -o remount,ro "$home/mounted"
  fault "a read-only disk" 73 "the file system is read-only; mount it writable, or name another directory" --state-dir "$home/mounted/state"
  fault "a directory on a read-only disk" 73 "the file system is read-only" --state-dir "$home/mounted/new"
  environment=INVOCATION_ID=0
  fault "a read-only disk, under systemd" 73 "\`systemctl edit kms-sidecar\`: [Service], ReadWritePaths=$home/mounted/new" --state-dir "$home/mounted/new"
  environment=
  INVOCATION_ID=0 "$binary" serve --listen none --socket "$home/k.sock" --admin-socket "$home/a.sock" --state-dir "$home/s" 2>"$home/log" &
  confined=$!
  wait_for 20 test -S "$home/a.sock"
  admin() { curl -s --max-time 30 --unix-socket "$home/a.sock" "http://kms/rustfs/admin/v3/kms/$1" -d "$2"; }
  mend="ReadWritePaths=$home/mounted/keys"
  admin configure "{\"backend_type\":\"local\",\"key_dir\":\"$home/mounted/keys\"}" >/dev/null
  has "a key directory that cannot be made names the line for the unit" "$mend" "$(admin start '{}')"
  has "so does status" "$mend" "$(curl -s --unix-socket "$home/a.sock" http://kms/rustfs/admin/v3/kms/status)"
  kill "$confined"
  wait "$confined"
  mount -o remount,rw,size=64k "$home/mounted"
  head -c 1000000 /dev/zero >"$home/mounted/filler" 2>/dev/null
  checked=no fault "a full disk" 74 "the disk is full; make room on it" --state-dir "$home/mounted/state"
  umount "$home/mounted"
else
  echo "skip read-only and full disks (needs root and tmpfs)"
fi

if [ "$(id -u)" -eq 0 ]; then
  echo "# as another user"
  user=65534
  home=$work/nobody
  mkdir "$home"
  chown $user "$home"
  files
  places
  mkdir -m 700 "$work/roots"
  fault "a state directory of somebody else" 77 "permission denied; it must belong to the user that runs kms-sidecar" --state-dir "$work/roots"
  fault "no room for a state directory" 77 "permission denied" --state-dir "$work/roots/state"
  fault "a socket in a directory of somebody else" 77 "$work/roots/kms.sock" --socket "$work/roots/kms.sock"
  user= secret key-roots 600 0123456789abcdef0123456789abcdef
  fault "a master key of somebody else" 77 "permission denied" --master-key-file "$home/key-roots"
  cp "$work/tls.pem" "$home/conf"
  chmod 600 "$home/conf"
  fault "a configuration of somebody else" 77 "permission denied" --config "$home/conf"
  user=
else
  echo "skip other users (needs root)"
fi

if command -v faketime >/dev/null; then
  echo "# a clock that is far off"
  home=$work/own
  faked="1970-01-02 00:00:00" fault "a clock before this program" 76 "timedatectl" --state-dir "$home/early"
else
  echo "skip a clock that is far off (needs faketime)"
fi

report
