#!/usr/bin/env bash
# Installs the package on a Debian 12 node that boots, and lives through what a node does with it: activation, credentials, faults, the
# watchdog, a reboot, upgrades under load, removal. Only root can; the node has no network but a loopback of its own.
#   tests/node.sh [DEB [FORMER]]      default: packed here from artifacts/; FORMER is a package of a former commit, to upgrade from
#   SCENARIOS="install faults" tests/node.sh      some of them; install is always the first
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

cannot() { # SENTENCE: where a node cannot be had, CI fails and others are told
  echo "tests/node.sh: $1" >&2
  [ "${CI:-}" = true ] && { echo "0 passed, 1 failed"; exit 1; }
  echo "0 passed, 0 failed"
  exit 0
}

if [ -z "${KMS_NODE_WORK:-}" ]; then
  [ "$(id -u)" -eq 0 ] || cannot "only root can boot a node"
  for tool in mmdebstrap systemd-nspawn nsenter dpkg-deb; do
    command -v "$tool" >/dev/null || cannot "$tool is missing: apt-get install mmdebstrap systemd-container util-linux dpkg"
  done
  export KMS_NODE_WORK=
  KMS_NODE_WORK=$(mktemp -d)
  clear_away() {
    local group
    for group in /sys/fs/cgroup/unified /sys/fs/cgroup; do
      group=$group/kms-node-${KMS_NODE_WORK##*.}
      [ ! -d "$group" ] || wait_for 10 find "$group" -depth -type d -exec rmdir {} +
    done
    rm -rf "$KMS_NODE_WORK"
  }
  trap clear_away EXIT
  # The namespaces end with the script, and with them whatever runs in the node: nothing outlives a test that fails or is killed.
  unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" "$@"
  exit
fi

work=$KMS_NODE_WORK
cgroup=/sys/fs/cgroup/kms-node-${work##*.}
trap 'end_node' EXIT
. tests/node/machine.sh
. tests/node/service.sh
for scenario in install life faults package; do . "tests/node/$scenario.sh"; done

package=${1:-} former=${2:-}
[ -n "$package" ] || package=$(packed) || { not_ok "pack" "packaging/deb/build.sh failed"; report; exit 1; }
make_root "$work/root" || cannot "no root could be made"
cp tests/node/load.py "$work/root/usr/local/lib/load.py"
boot "$work/root" || cannot "the node does not boot"
ok "the node is up"

for scenario in install ${SCENARIOS-life faults package}; do
  echo "# $scenario"
  "scenario_$scenario"
done
lacks "no system call was missing" SYS "$(node journalctl --no-pager -o cat | grep -E 'kms-sidecar.*(status=31/SYS|dumped core)')"
[ "$failed" -eq 0 ] || node journalctl --no-pager -o short-precise -u kms-sidecar.service -u kms-sidecar.socket | tail -n "${JOURNAL:-150}"
report
