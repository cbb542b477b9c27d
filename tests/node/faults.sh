# What is wrong is said once, where an operator looks, and does not become a loop.

scenario_faults() {
  local at answer

  echo "# a wrong setting"
  configured 'log_level = loud'
  at=$(mark)
  restart 2>/dev/null
  check "the start fails" 1 "$([ "$(property kms-sidecar.service ActiveState)" = failed ] && echo 1)"
  unit_is "with its exit code" kms-sidecar.service ExecMainStatus 78
  unit_is "and no other try" kms-sidecar.service NRestarts 0
  has "the journal names the setting" log_level "$(since "$at")"
  has "so does the status" log_level "$(node systemctl status kms-sidecar.service)"
  check "once" 1 "$(since "$at" | grep -c log_level)"
  check "check says the same, with the same code" 78 "$(node kms-sidecar check >"$work/check" 2>&1; echo $?)"
  has "and the line" "line $(grep -n '^log_level' "$root/etc/kms-sidecar/kms-sidecar.conf" | cut -d: -f1)" "$(cat "$work/check")"
  data status --max-time 3 >/dev/null 2>&1
  check "requests that wait do not start it without end" yes "$([ "$(since "$at" | grep -c log_level)" -le 10 ] && echo yes)"
  has "the status still has the first error" log_level "$(node systemctl status kms-sidecar.service)"
  configured
  # Requests that waited have used up the starts that systemd allows.
  node systemctl reset-failed kms-sidecar.service kms-sidecar.socket
  node systemctl start kms-sidecar.socket
  mended

  echo "# a directory outside the sandbox"
  node install -d -o kms-sidecar -g kms-sidecar -m 700 /srv/kms-keys
  answer=$(signed -X POST -d '{"key_dir":"/srv/kms-keys"}' "$kms/reconfigure")
  has "a directory outside the sandbox is refused with the line to add" ReadWritePaths=/srv/kms-keys "$answer"
  has "and the service goes on" '"status":"Running"' "$(signed "$kms/status")"
  node_sh 'printf "[Service]\nReadWritePaths=/srv/kms-keys\n" >/etc/systemd/system/kms-sidecar.service.d/keys.conf && systemctl daemon-reload'
  restart
  has "with that line it works" '"success":true' "$(signed -X POST -d '{"key_dir":"/srv/kms-keys"}' "$kms/reconfigure")"
  has "and can be taken back" '"success":true' "$(signed -X POST "$kms/rollback")"
  node_sh 'rm /etc/systemd/system/kms-sidecar.service.d/keys.conf && systemctl daemon-reload'

  echo "# a check that sees what the service sees"
  answer=$(node systemd-run -qP -p User=kms-sidecar -p LoadCredentialEncrypted=credentials:kms-sidecar.credentials kms-sidecar check 2>&1)
  check "it ends well" 0 "$?"
  has "with the credential" "good: /run/credentials/" "$answer"
  has "beside the running daemon" "which the running daemon has" "$answer"

  echo "# credentials that others may read"
  printf 'RUSTFS_ACCESS_KEY=a\nRUSTFS_SECRET_KEY=b\n' | install -m 644 /dev/stdin "$root/etc/kms-sidecar/open-to-all"
  configured 'credentials_file = /etc/kms-sidecar/open-to-all'
  at=$(mark)
  restart 2>/dev/null
  has "credentials that others may read are refused with the mend" chmod "$(since "$at")"
  unit_is "once" kms-sidecar.service NRestarts 0
  configured
  rm "$root/etc/kms-sidecar/open-to-all"
  mended

  echo "# Vault outside of what the sandbox reaches"
  node ip address add 203.0.113.10/32 dev lo
  answer=$(signed -X POST -d '{"backend_type":"vault","address":"https://203.0.113.10:8200","auth_method":{"token":"t"},"timeout_seconds":2,"retry_attempts":1}' "$kms/reconfigure")
  has "a Vault that the sandbox does not reach is refused with the line to add" IPAddressAllow= "$answer"
  has "and the service goes on" '"status":"Running"' "$(signed "$kms/status")"
  node ip address del 203.0.113.10/32 dev lo
}

# mended: what an operator does after it
mended() {
  node systemctl restart kms-sidecar.service
  check "mended, it starts" 0 "$?"
  check "check finds nothing wrong" 0 "$(node kms-sidecar check >"$work/check" 2>&1; echo $?)"
  opens "and answers again" "$first"
}
