#!/usr/bin/env bash
# Packs artifacts/linux-*/kms-sidecar (from publish.sh) into artifacts/kms-sidecar_VERSION_ARCH.deb. Same input, same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$(sed -nE 's|.*<Version>(.*)</Version>.*|\1|p' Directory.Build.props)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

for pair in linux-x64:amd64 linux-arm64:arm64; do
  binary=artifacts/${pair%:*}/kms-sidecar arch=${pair#*:}
  [ -x "$binary" ] || continue

  root=$(mktemp -d)
  chmod 755 "$root"
  install -D -m 0755 "$binary" "$root/usr/bin/kms-sidecar"
  install -D -m 0644 packaging/systemd/kms-sidecar.service "$root/usr/lib/systemd/system/kms-sidecar.service"
  install -D -m 0644 packaging/systemd/kms-sidecar.sysusers "$root/usr/lib/sysusers.d/kms-sidecar.conf"
  install -D -m 0644 packaging/kms-sidecar.conf "$root/etc/kms-sidecar/kms-sidecar.conf"
  install -D -m 0644 README.md "$root/usr/share/doc/kms-sidecar/README.md"
  install -D -m 0644 -t "$root/usr/share/doc/kms-sidecar/docs" docs/*.md
  # An example, for the operator to put in /etc. In /usr/lib/systemd/system it would turn every RustFS of the machine to this KMS at its next
  # start, before there is a certificate or a user for it, and away from whatever KMS its objects are encrypted by.
  install -D -m 0644 packaging/systemd/rustfs.service.d/kms-sidecar.conf "$root/usr/share/doc/kms-sidecar/examples/rustfs.service.d/kms-sidecar.conf"
  install -d -m 0755 "$root/DEBIAN"
  echo /etc/kms-sidecar/kms-sidecar.conf >"$root/DEBIAN/conffiles"
  cat >"$root/DEBIAN/control" <<CONTROL
Package: kms-sidecar
Version: $version
Architecture: $arch
Maintainer: kms-sidecar maintainers <maintainers@kms-sidecar.invalid>
Section: admin
Priority: optional
Depends: libc6 (>= 2.36), libssl3
Recommends: systemd
Description: key service that runs beside RustFS
 Serves data keys over a Unix socket and a SigV4-signed admin API with which
 the service is configured, started, stopped and rolled back without a restart.
CONTROL
  cat >"$root/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemd-sysusers kms-sidecar.conf
  systemctl daemon-reload
fi
POSTINST
  chmod 755 "$root/DEBIAN/postinst"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "artifacts/kms-sidecar_${version}_$arch.deb"
  rm -rf "$root"
done
