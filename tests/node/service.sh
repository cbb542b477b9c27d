# The service on the node, as its operator and its clients see it. Source it after machine.sh.

kms=http://localhost:9020/rustfs/admin/v3/kms
socket=/run/kms-sidecar/kms.sock

# The playbook's `awscurl --service s3 --region us-east-1 --access_key admin --secret_key admin ... URL`
signed() { node curl -sS --max-time 20 --aws-sigv4 aws:amz:us-east-1:s3 --user admin:admin "$@"; }
# As RustFS's user, which is in the group that owns the socket.
data() { as_user rustfs curl -sS --max-time 20 --unix-socket "$socket" "http://kms/v1/$1" "${@:2}"; }
data_code() { data "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
generate() { data generate-data-key -d '{"encryption_context":{"bucket":"bucket/path/object.txt"}}'; }
opens() { # NAME, answer of generate: its blob opens to its plaintext
  local opened
  opened=$(data decrypt -d '{"ciphertext_blob":"'"$(text ciphertext_blob "$2")"'","encryption_context":{"bucket":"bucket/path/object.txt"}}')
  check "$1" "$(text plaintext_key "$2")" "$(text plaintext_key "$opened")"
}

unit_is() { # NAME UNIT PROPERTY VALUE
  check "$1" "$4" "$(property "$2" "$3")"
}
property() { node systemctl show -P "$2" "$1"; }
status_text() { property kms-sidecar.service StatusText; }
has_status() { case $(status_text) in *"$1"*) true ;; *) false ;; esac; }
main_pid() { property kms-sidecar.service MainPID; }
journal() { node journalctl --no-pager -u kms-sidecar.service -o cat "$@"; }
# A place in the journal, to look at what comes after it
mark() { node journalctl --sync; node journalctl --no-pager -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p'; }
since() { node journalctl --sync; journal --after-cursor="$1"; }
restart() { node systemctl restart kms-sidecar.service; }
configured() { # NAME VALUE...: lines of the daemon's file; without any, it is as it was packed
  [ -e "$root/etc/kms-sidecar/packed" ] || cp "$root/etc/kms-sidecar/kms-sidecar.conf" "$root/etc/kms-sidecar/packed"
  cp "$root/etc/kms-sidecar/packed" "$root/etc/kms-sidecar/kms-sidecar.conf"
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$root/etc/kms-sidecar/kms-sidecar.conf"
}

# begin_load THREADS, end_load NAME: data keys without pause, by RustFS's user; $load_line has the counts
begin_load() {
  rm -f "$root/var/tmp/load"
  as_user rustfs python3 /usr/local/lib/load.py "$socket" "$1" /var/tmp/load &
  load=$!
  sleep 1
}
end_load() {
  node pkill -TERM -f '^python3 /usr/local/lib/load.py'
  wait "$load"
  load_line=$(head -n 1 "$root/var/tmp/load" 2>/dev/null)
  printf '     %s: %s\n' "$1" "$load_line"
  has "$1: 0 failed requests" " failed=0 " "$(head -n 5 "$root/var/tmp/load" 2>/dev/null)"
  lacks "$1: there was load" "ok=0 " "$load_line"
}

# packed: the package in artifacts/, made anew when the binary is newer; prints its path
packed() {
  local arch
  arch=$(dpkg --print-architecture)
  # shellcheck disable=SC2012
  newest() { ls -t artifacts/kms-sidecar_*_"$arch".deb 2>/dev/null | head -n 1; }
  if [ -z "$(newest)" ] || [ -n "$(find artifacts/linux-* packaging -newer "$(newest)" -type f -print -quit)" ]; then
    packaging/deb/build.sh >"$work/pack.log" 2>&1 || { cat "$work/pack.log" >&2; return 1; }
  fi
  newest
}

# with_version VERSION FILE: the package as another version; prints its path
with_version() {
  dpkg-deb -R "$2" "$work/unpacked" || return 1
  sed -i "s/^Version:.*/Version: $1/" "$work/unpacked/DEBIAN/control"
  dpkg-deb --root-owner-group -Znone -b "$work/unpacked" "$work/$1.deb" >/dev/null || return 1
  rm -rf "$work/unpacked"
  echo "$work/$1.deb"
}
