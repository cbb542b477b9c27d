# A Debian 12 with systemd as its first process, in a directory, for tests/node.sh. Source it after assert.sh.
# Everything that is started ends with the process that sources this: it is the first of a process namespace.

suite=bookworm
packages=systemd,systemd-sysv,dbus,debconf,libssl3,ca-certificates,curl,openssl,python3-minimal,libpython3-stdlib,procps,iproute2,acl

# make_root DIRECTORY: from a tar that is made once for each list of packages
make_root() {
  local tar
  tar=.build/node/$suite-$(printf %s "$packages" | sha256sum | cut -c 1-12).tar
  if ! [ -s "$tar" ]; then
    mkdir -p .build/node
    mmdebstrap --quiet --variant=minbase --include="$packages" "$suite" "${tar%.tar}.new.tar" && mv "${tar%.tar}.new.tar" "$tar" || return 1
  fi
  mkdir -p "$1" && tar -C "$1" -xf "$tar" || return 1
  # What a test has no use for and what would wait for a network or a terminal.
  local unit
  for unit in systemd-networkd-wait-online.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service console-getty.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
  done
  mkdir -p "$1/etc/systemd/journald.conf.d" && printf '[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n' >"$1/etc/systemd/journald.conf.d/test.conf"
  echo node >"$1/etc/hostname"
}

# boot DIRECTORY: returns when it is up. Its network is a loopback of its own.
boot() {
  root=$1
  mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd # nspawn keeps notes there
  # One hierarchy of control groups, as Debian has it, whatever this machine has; and a group of our own in it.
  umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir "$cgroup" && echo 0 >"$cgroup/cgroup.procs" || return 1
  power_on
}

power_on() {
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no \
    --capability=CAP_BPF,CAP_IPC_LOCK --system-call-filter="bpf @memlock" -D "$root" -b </dev/null >"$work/console" 2>&1 &
  nspawn=$!
  leader=
  wait_for 60 is_up || { tail -n 20 "$work/console"; return 1; }
}

# find_leader: the container's first process, another one after each reboot
find_leader() {
  local child
  for child in $(cat "/proc/$nspawn/task/"*/children 2>/dev/null); do
    [ "$(cat "/proc/$child/comm" 2>/dev/null)" != systemd ] || { leader=$child; return 0; }
  done
  return 1
}
is_up() { find_leader && case $(node systemctl is-system-running 2>/dev/null) in running | degraded) true ;; *) false ;; esac; }

# node COMMAND...: in the container as root
node() { nsenter --target "$leader" --mount --uts --ipc --net --pid --root env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
# as_user USER COMMAND...
as_user() { node setpriv --reuid="$1" --regid="$1" --init-groups -- "${@:2}"; }
# node_sh TEXT [ARGUMENT...]
node_sh() { node sh -c "$1" sh "${@:2}"; }

reboot_node() {
  node systemctl reboot >/dev/null 2>&1
  wait "$nspawn"
  [ $? -eq 133 ] || return 1 # what nspawn says of a container that wants to be started again
  power_on
}

end_node() { [ -z "${nspawn:-}" ] || { kill -KILL "$leader" "$nspawn"; wait "$nspawn"; } 2>/dev/null; }
