# dpkg -i on a fresh node, and the playbook's first steps to the letter.

scenario_install() {
  node useradd --system --user-group rustfs
  install_package "$package"
  check "it installs without a question" 0 "$?"
  node usermod -aG kms-sidecar rustfs
  unit_is "the socket is enabled" kms-sidecar.socket UnitFileState enabled
  unit_is "and listens" kms-sidecar.socket ActiveState active
  unit_is "the service is enabled" kms-sidecar.service UnitFileState enabled
  unit_is "and runs" kms-sidecar.service ActiveState active
  unit_is "with a watchdog" kms-sidecar.service WatchdogUSec 30s
  has "its status is NotConfigured" NotConfigured "$(node systemctl status kms-sidecar.service)"
  has "with the next step" /usr/share/doc/kms-sidecar "$(status_text)"
  check "which is there" 0 "$(node test -s /usr/share/doc/kms-sidecar/README.Debian; echo $?)"
  check "the data socket's mode, owner and group" "660 root kms-sidecar" "$(node stat -c '%a %U %G' "$socket")"
  check "a data key is refused with 503" 503 "$(data_code generate-data-key -d '{}')"
  check "others cannot use the socket" 7 "$(node setpriv --reuid=65534 --regid=65534 --clear-groups curl -s --unix-socket "$socket" http://kms/v1/status >/dev/null; echo $?)"
  has "without credentials every request on TCP is refused, and says what to do" credential "$(signed "$kms/status")"

  printf 'RUSTFS_ACCESS_KEY=admin\nRUSTFS_SECRET_KEY=admin\n' | install -D -m 600 /dev/stdin "$root/etc/credstore/kms-sidecar.credentials"
  restart
  has "root credentials come from /etc/credstore" '"status":"NotConfigured"' "$(signed "$kms/status")"
  node_sh 'mkdir -p /etc/credstore.encrypted && systemd-creds encrypt --with-key=host --name=credentials /etc/credstore/kms-sidecar.credentials \
    /etc/credstore.encrypted/kms-sidecar.credentials 2>/dev/null && rm /etc/credstore/kms-sidecar.credentials'
  check "systemd-creds encrypts them" 0 "$?"
  node systemctl daemon-reload
  restart
  has "and from /etc/credstore.encrypted" '"status":"NotConfigured"' "$(signed "$kms/status")"

  check "configure, to the letter" '{"success":true,"message":"KMS configured successfully","status":"Configured"}' "$(signed -X POST -d '{
       "backend_type": "local",
       "key_dir": "/var/lib/rustfs/kms-keys",
       "default_key_id": "rustfs-master",
       "enable_cache": true,
       "cache_ttl_seconds": 900
     }' "$kms/configure")"
  wait_for 10 has_status Configured
  has "the unit's status says so" Configured "$(status_text)"
  check "start" '{"success":true,"message":"KMS service started successfully","status":"Running"}' "$(signed -X POST "$kms/start")"
  has "status says Running" '"status":"Running"' "$(signed "$kms/status")"
  wait_for 10 has_status Running
  has "the unit's status says Running and the backend" local "$(status_text)"
  first=$(generate)
  check "a data key comes from the default key" rustfs-master "$(text key_id "$first")"
  opens "it opens" "$first"

  # From here on a call that the filter does not have kills the daemon, where an operator's only fails.
  node_sh 'mkdir -p /etc/systemd/system/kms-sidecar.service.d && printf "[Service]\nSystemCallErrorNumber=kill\n" >/etc/systemd/system/kms-sidecar.service.d/strict.conf && systemctl daemon-reload'
  restart
  local limits status
  status=$(node cat "/proc/$(main_pid)/status")
  limits=$(node cat "/proc/$(main_pid)/limits")
  check "no core dump" "0 0" "$(awk '/^Max core file size/ { print $5, $6 }' <<<"$limits")"
  if grep -q '^Max locked memory *unlimited' <<<"$limits"; then
    check "its memory is locked" yes "$(awk '/^VmLck:/ { print ($2 > 0 ? "yes" : "no") }' <<<"$status")"
  else # the root of this machine has no CAP_SYS_RESOURCE, without which systemd cannot lift the limit
    has "that its memory cannot be locked is in the journal, with the mend" LimitMEMLOCK=infinity "$(journal)"
  fi
  check "its system calls are filtered" 2 "$(awk '/^Seccomp:/ { print $2 }' <<<"$status")"
  check "it has no capability" 0000000000000000 "$(awk '/^CapBnd:/ { print $2 }' <<<"$status")"
  node_sh 'printf "[Service]\nCapabilityBoundingSet=CAP_IPC_LOCK\nAmbientCapabilities=CAP_IPC_LOCK\n" >/etc/systemd/system/kms-sidecar.service.d/lock.conf && systemctl daemon-reload'
  restart
  check "with CAP_IPC_LOCK its memory is locked, whatever the limit" yes "$(node cat "/proc/$(main_pid)/status" | awk '/^VmLck:/ { print ($2 > 0 ? "yes" : "no") }')"
  opens "and it answers" "$first"
  node_sh 'rm /etc/systemd/system/kms-sidecar.service.d/lock.conf && systemctl daemon-reload'
  restart
  lacks "no secret in the journal" "$(text plaintext_key "$first")" "$(journal)"
}

# install_package FILE
install_package() {
  cp "$1" "$root/var/tmp/package.deb"
  node env DEBIAN_FRONTEND=noninteractive dpkg -i /var/tmp/package.deb >"$work/dpkg.log" 2>&1 || { tail -n 5 "$work/dpkg.log"; return 1; }
}
