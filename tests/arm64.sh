#!/usr/bin/env bash
# The arm64 binary under qemu on another machine: it starts, its ciphers agree with the known answers, and what it seals the x64 binary opens, and
# the other way round, on one state directory. Takes minutes where there is no arm64; not part of .ci/run.
#   ./publish.sh linux-x64 linux-arm64 && tests/arm64.sh
# Needs qemu-user-static, libc6-arm64-cross and libgcc-s1-arm64-cross; OpenSSL for arm64 is fetched by apt into a directory, without adding an architecture to dpkg.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

arm=$PWD/artifacts/linux-arm64/kms-sidecar x64=$PWD/artifacts/linux-x64/kms-sidecar
for needed in "$arm" "$x64" /usr/bin/qemu-aarch64-static /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1; do
  [ -x "$needed" ] || { echo "tests/arm64.sh: there is no $needed: apt-get install qemu-user-static libc6-arm64-cross, and ./publish.sh" >&2; echo "0 passed, 1 failed"; exit 1; }
done

work=$(mktemp -d)
daemon=
cleanup() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

# The C library of the cross compiler, and OpenSSL beside it.
root=$PWD/.build/arm64-root
if [ ! -e "$root/lib/libssl.so.3" ]; then
  mkdir -p "$root/lib" "$work/apt/lists/partial" "$work/apt/archives/partial"
  apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
  (cd "$work" && "${apt[@]}" update && "${apt[@]}" download libssl3 && dpkg-deb -x libssl3_*_arm64.deb openssl) || { echo "0 passed, 1 failed"; exit 1; }
  cp "$work"/openssl/usr/lib/aarch64-linux-gnu/lib{ssl,crypto}.so.3 "$root/lib/"
  cp -a /usr/aarch64-linux-gnu/lib/*.so* "$root/lib/"
fi

emulated=(qemu-aarch64-static -L "$root" -E LD_LIBRARY_PATH="$root/lib" "$arm")
native=("$x64")
flags=(--state-dir "$work/state" --socket "$work/kms.sock" --admin-socket "$work/admin.sock" --listen none)

begin() { # COMMAND...
  "$@" serve "${flags[@]}" >>"$work/log" 2>&1 &
  daemon=$!
  wait_for 120 curl -sf --unix-socket "$work/admin.sock" http://kms/rustfs/admin/v3/kms/status || { not_ok "start" "$(tail -n 5 "$work/log")"; report; exit 1; }
}
end() { # its exit code
  kill -TERM "$daemon"
  wait "$daemon"
  local code=$?
  daemon=
  return "$code"
}
admin() { curl -s --max-time 120 --unix-socket "$work/admin.sock" -d "$2" "http://kms/rustfs/admin/v3/kms/$1"; }
data() { curl -s --max-time 120 --unix-socket "$work/kms.sock" -d "$2" "http://kms/v1/$1"; }
make() { data generate-data-key '{"encryption_context":{"bucket":"photos"}}'; }
open() { text plaintext_key "$(data decrypt '{"ciphertext_blob":"'"$(text ciphertext_blob "$1")"'","encryption_context":{"bucket":"photos"}}')"; }

check "the same version" "$("${native[@]}" --version)" "$("${emulated[@]}" --version)"
mkdir -m 700 "$work/state"
checked=$("${emulated[@]}" check "${flags[@]}" 2>&1)
check "kms-sidecar check, and with it the ciphers' self-test" 0 $?
printf '%s\n' "$checked" | sed 's/^/     /'

begin "${emulated[@]}"
admin configure '{"backend_type":"local","key_dir":"'"$work/keys"'","default_key_id":"objects-1"}' >/dev/null
has "the emulated daemon runs" '"success":true' "$(admin start '')"
from_arm=$(make)
plain=$(text plaintext_key "$from_arm")
check "a data key has 32 bytes" 32 "$(printf '%s' "$plain" | base64 -d | wc -c)"
check "it opens what it sealed" "$plain" "$(open "$from_arm")"
old_form=$(admin reconfigure '{"envelope_form":"rustfs"}' >/dev/null; make)
check "in RustFS's form, too" "$(text plaintext_key "$old_form")" "$(open "$old_form")"
end
check "it ends in order" 0 $?

begin "${native[@]}"
has "x64 takes up the same state" Running "$(curl -s --unix-socket "$work/admin.sock" http://kms/rustfs/admin/v3/kms/status)"
check "x64 opens what arm64 sealed" "$plain" "$(open "$from_arm")"
check "in RustFS's form, too" "$(text plaintext_key "$old_form")" "$(open "$old_form")"
from_x64=$(make)
end

begin "${emulated[@]}"
check "arm64 opens what x64 sealed" "$(text plaintext_key "$from_x64")" "$(open "$from_x64")"
end

report
