# The package over time: a newer one and an older one under load, removal, and what purge leaves.

scenario_package() {
  local newer
  newer=$(with_version 99.0-1 "$package") || { not_ok "a newer package" "it cannot be packed"; return; }

  if [ -n "$former" ]; then
    echo "# from a former commit"
    if dpkg-deb -c "$former" | grep -q /kms-sidecar.socket; then
      install_package "$former"
      opens "the former one opens what this one wrapped" "$first"
      begin_load 4
      install_package "$package"
      sleep 1
      end_load "upgrade from a former commit under load"
    else
      before_sockets
    fi
  fi

  echo "# upgrade under load"
  begin_load 4
  install_package "$newer"
  check "the upgrade" 0 "$?"
  sleep 1
  end_load "upgrade under load"
  check "the new version is installed" 99.0-1 "$(node dpkg-query -W -f '${Version}' kms-sidecar)"
  opens "what was wrapped before it opens" "$first"

  echo "# downgrade under load"
  begin_load 4
  install_package "$package"
  check "the downgrade" 0 "$?"
  sleep 1
  end_load "downgrade under load"
  opens "what was wrapped before it opens" "$first"

  echo "# remove"
  node env DEBIAN_FRONTEND=noninteractive dpkg -r kms-sidecar >/dev/null 2>&1
  check "remove" 0 "$?"
  unit_is "nothing listens" kms-sidecar.socket ActiveState inactive
  unit_is "nothing runs" kms-sidecar.service ActiveState inactive
  check "the keys stay" 0 "$(node test -e /var/lib/rustfs/kms-keys/rustfs-master.key; echo $?)"
  check "the state stays" 0 "$(node test -e /var/lib/kms-sidecar/master.key; echo $?)"
  install_package "$package"
  check "installed again" 0 "$?"
  opens "it opens what was wrapped before" "$first"

  echo "# purge"
  node env DEBIAN_FRONTEND=noninteractive dpkg -P kms-sidecar >/dev/null 2>&1
  check "purge" 0 "$?"
  check "without an answer the keys stay" 0 "$(node test -e /var/lib/rustfs/kms-keys/rustfs-master.key; echo $?)"
  check "and the state" 0 "$(node test -e /var/lib/kms-sidecar/master.key; echo $?)"
  check "the settings are gone" 1 "$(node test -e /etc/kms-sidecar/kms-sidecar.conf; echo $?)"
  install_package "$package"
  opens "installed once more, it opens what was wrapped before" "$first"
  node_sh 'echo kms-sidecar kms-sidecar/purge-data boolean true | debconf-set-selections'
  node env DEBIAN_FRONTEND=noninteractive dpkg -P kms-sidecar >/dev/null 2>&1
  check "purge with the answer yes" 0 "$?"
  check "the keys are gone" 1 "$(node test -e /var/lib/rustfs/kms-keys; echo $?)"
  check "and the state" 1 "$(node test -e /var/lib/kms-sidecar; echo $?)"

  install_package "$package"
  node chown -R nobody /var/lib/rustfs/kms-keys
  node_sh 'echo kms-sidecar kms-sidecar/purge-data boolean true | debconf-set-selections'
  node env DEBIAN_FRONTEND=noninteractive dpkg -P kms-sidecar >/dev/null 2>&1
  check "a key directory of somebody else stays" 0 "$(node test -e /var/lib/rustfs/kms-keys; echo $?)"
}

# before_sockets: from and to a package whose daemon has its addresses itself, so that not every request can wait for the next one
before_sockets() {
  local wrapped
  node systemctl stop kms-sidecar.socket kms-sidecar.service
  node_sh 'printf "[Service]\nEnvironment=KMS_SIDECAR_SOCKET_GROUP=kms-sidecar\n" >/etc/systemd/system/kms-sidecar.service.d/group.conf'
  install_package "$former"
  check "the downgrade to a daemon that has its addresses itself" 0 "$?"
  node systemctl restart kms-sidecar.service
  check "which starts on the state of this one" 0 "$?"
  opens "the former one opens what this one wrapped" "$first"
  wrapped=$(generate)
  begin_load 4
  install_package "$package"
  check "the upgrade from it" 0 "$?"
  sleep 1
  node pkill -TERM -f '^python3 /usr/local/lib/load.py'
  wait "$load"
  printf '     upgrade from a daemon that has its addresses itself: %s\n' "$(head -n 1 "$root/var/tmp/load")"
  unit_is "the socket is systemd's now" kms-sidecar.socket ActiveState active
  opens "this one opens what the former one wrapped" "$wrapped"
  opens "and what was wrapped before it" "$first"
  node_sh 'rm /etc/systemd/system/kms-sidecar.service.d/group.conf && systemctl daemon-reload'
}
