# What happens to a service that runs: a first request starts it, it hangs, it is killed, it is told to read its files again, the node boots.

scenario_life() {
  local before at key

  echo "# activation"
  node systemctl stop kms-sidecar.service 2>/dev/null
  unit_is "stopped" kms-sidecar.service ActiveState inactive
  opens "a first request on the data socket starts it, and is answered" "$first"
  unit_is "it runs" kms-sidecar.service ActiveState active
  node systemctl stop kms-sidecar.service 2>/dev/null
  has "a first request on the admin port does, too" '"status":"Running"' "$(signed "$kms/status")"

  echo "# the journal"
  restart
  node journalctl --sync
  # Of all starts: --after-cursor= of systemd 252 leaves out the first entry that matches.
  has "lines have their event as a field, and what it is about" '"KMS_ADDRESSES":"http://127.0.0.1:9020 ' "$(journal -o json KMS_EVENT_ID=1000)"

  echo "# reload"
  at=$(mark) before=$(main_pid)
  node systemctl reload kms-sidecar.service
  check "reload" 0 "$?"
  check "the same process" "$before" "$(main_pid)"
  unit_is "it runs" kms-sidecar.service ActiveState active
  opens "it answers" "$first"

  echo "# the watchdog"
  node_sh 'mkdir -p /run/systemd/system/kms-sidecar.service.d && printf "[Service]\nWatchdogSec=3s\n" >/run/systemd/system/kms-sidecar.service.d/watchdog.conf && systemctl daemon-reload'
  restart
  before=$(main_pid) at=$(mark)
  sleep 7
  check "a daemon that answers lives on" "$before" "$(main_pid)"
  node kill -STOP "$before"
  opens "a request to a process that hangs is answered by the next" "$first"
  check "it is another process" yes "$([ "$(main_pid)" != "$before" ] && echo yes)"
  check "the watchdog was it" 1 "$(node journalctl --no-pager --after-cursor="$at" | grep -c 'Watchdog timeout')"
  node_sh 'rm /run/systemd/system/kms-sidecar.service.d/watchdog.conf && systemctl daemon-reload'
  restart

  echo "# kill -9"
  before=$(main_pid)
  node kill -KILL "$before"
  opens "a request right after kill -9 is answered" "$first"
  check "it is another process" yes "$([ "$(main_pid)" != "$before" ] && echo yes)"

  echo "# restart under load"
  begin_load 4
  for _ in 1 2 3; do restart; sleep 0.3; done
  end_load "three restarts under load"

  echo "# a reboot, with RustFS asking as soon as it may"
  stand_in
  key=$(generate)
  reboot_node || { not_ok "the node boots again" "see above"; tail -n 20 "$work/console"; report; exit 1; }
  wait_for 30 node test -s /var/lib/rustfs-asked
  has "RustFS's first request at boot is answered" '"plaintext_key"' "$(node cat /var/lib/rustfs-asked)"
  has "status says Running" '"status":"Running"' "$(signed "$kms/status")"
  opens "a data key from before the reboot opens" "$key"
  opens "and the first one" "$first"
  node systemctl disable -q rustfs.service
}

# stand_in: a rustfs.service that asks once when it starts, ordered by the package's drop-in
stand_in() {
  cat >"$root/etc/systemd/system/rustfs.service" <<'UNIT'
[Service]
Type=oneshot
User=rustfs
ExecStart=curl -sS --max-time 60 --unix-socket /run/kms-sidecar/kms.sock -d {} http://kms/v1/generate-data-key
StandardOutput=truncate:/var/lib/rustfs-asked
[Install]
WantedBy=multi-user.target
UNIT
  local example=/usr/share/doc/kms-sidecar/examples/rustfs.service.d/kms-sidecar.conf
  # Of the drop-in the order only: what it says to RustFS's own settings is for RustFS.
  node_sh 'mkdir -p /etc/systemd/system/rustfs.service.d && grep -vE "^(Environment|EnvironmentFile)=" "$1" >/etc/systemd/system/rustfs.service.d/kms-sidecar.conf' "$example"
  node systemctl daemon-reload
  node systemctl enable -q rustfs.service
}
