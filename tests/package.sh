#!/usr/bin/env bash
# The packages of packaging/deb: built twice in unlike surroundings they are the same bytes, and lintian has nothing to say. Leaves them in
# artifacts/. That they install, upgrade and go again is shown on a booted system elsewhere. The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

packages() { (cd "$1/artifacts" && sha256sum -- *.deb); }

rm -f artifacts/*.deb
packaging/deb/build.sh >/dev/null || { echo "0 passed, 1 failed"; exit 1; }

# Elsewhere, on another day, for another user.
other=$work/a-longer-name/of-another-directory
mkdir -p "$other"
manual=$PWD/.build/bin/KmsSidecar.Manual/release/KmsSidecar.Manual.dll
tar -c --exclude=./.git --exclude=./.build --exclude='./artifacts/*.deb' . | tar -x -C "$other"
(cd "$other" && umask 077 && KMS_SIDECAR_MANUAL=$manual LC_ALL=tr_TR.UTF-8 TZ=Pacific/Kiritimati packaging/deb/build.sh >/dev/null 2>&1)
check "built twice, the same bytes" "$(packages .)" "$(packages "$other")"

for package in artifacts/*.deb; do
  name=$(basename "$package")
  check "$name: lintian has nothing to say" "" "$(lintian --pedantic "$package" 2>&1 | grep -v 'running with root privileges')"
  dpkg-deb -R "$package" "$work/$name"
  check "$name: owned by root" "root/root" "$(dpkg-deb -c "$package" | awk '{ print $2 }' | sort -u)"
  check "$name: its sums are right" "" "$(cd "$work/$name" && md5sum --quiet -c DEBIAN/md5sums 2>&1)"
  check "$name: only the settings are a conffile" "/etc/kms-sidecar/kms-sidecar.conf" "$(cat "$work/$name/DEBIAN/conffiles")"
  for script in config postinst prerm postrm; do
    check "$name: $script is shell" "" "$(sh -n "$work/$name/DEBIAN/$script" 2>&1)"
  done

  check "$name: systemd has no remark on the units" "" \
    "$(systemd-analyze verify --man=no "$work/$name"/usr/lib/systemd/system/kms-sidecar.{socket,service} 2>&1 | grep -v 'is not executable')"
done

# What the generator writes depends on systemd's version; that of encrypted credentials is tried on a booted system.
generated() { # VERSION
  mkdir -p "$work/bin-$1"
  printf '#!/bin/sh\necho "systemd %s (%s-1)"\necho +PAM\n' "$1" "$1" >"$work/bin-$1/systemctl"
  chmod +x "$work/bin-$1/systemctl"
  PATH=$work/bin-$1:$PATH packaging/systemd/kms-sidecar-generator "$work/units-$1" && cat "$work/units-$1/kms-sidecar.service.d/10-back-off.conf" 2>/dev/null
}
check "no growing back-off before systemd 254, which would warn" "" "$(generated 252)"
has "and one since" "RestartSteps=" "$(generated 257)"

report
