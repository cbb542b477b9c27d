#!/usr/bin/env bash
# Packs artifacts/linux-*/kms-sidecar (from publish.sh) into artifacts/kms-sidecar_VERSION_ARCH.deb. Same input, same bytes.
#   KMS_SIDECAR_VERSION   instead of the version in Directory.Build.props
#   KMS_SIDECAR_MANUAL    packaging/manual, built before, as a .dll
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C TZ=UTC DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
umask 022

version=${KMS_SIDECAR_VERSION:-$(sed -nE 's|.*<Version>(.*)</Version>.*|\1|p' Directory.Build.props)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
here=packaging/deb
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pack FILE: as gzip, without its name and time
pack() { gzip -9n <"$1" >"$2" && chmod 644 "$2"; }

manual=(dotnet run -c Release --project packaging/manual --)
[ -z "${KMS_SIDECAR_MANUAL:-}" ] || manual=(dotnet "$KMS_SIDECAR_MANUAL")
"${manual[@]}" "$work/manual" "$version" "$(date -d "@$SOURCE_DATE_EPOCH" +%F)"

# What is linked into the binary comes with notices; the packages that it was linked from carry them.
packages=$(dotnet nuget locals global-packages -l | sed 's/^global-packages: //')
runtime=$(sed -nE '/"Microsoft.DotNet.ILCompiler"/,/resolved/s/.*"resolved": "(.*)".*/\1/p' src/KmsSidecar/packages.lock.json | head -1)
notice() { # NAME PACKAGE-DIRECTORY
  install -D -m 0644 "$packages/$2/THIRD-PARTY-NOTICES.TXT" "$root/usr/share/doc/kms-sidecar/third-party/$1.txt"
}

build() { # RID ARCH
  local rid=$1 arch=$2 root=$work/$2 doc=$work/$2/usr/share/doc/kms-sidecar libc
  install -d "$root/DEBIAN"
  install -D -m 0755 "artifacts/$rid/kms-sidecar" "$root/usr/bin/kms-sidecar"
  install -D -m 0644 packaging/kms-sidecar.conf "$root/etc/kms-sidecar/kms-sidecar.conf"
  install -D -m 0644 -t "$root/usr/lib/systemd/system" packaging/systemd/kms-sidecar.service packaging/systemd/kms-sidecar.socket
  install -D -m 0755 -t "$root/usr/lib/systemd/system-generators" packaging/systemd/kms-sidecar-generator
  install -D -m 0644 packaging/systemd/kms-sidecar.sysusers "$root/usr/lib/sysusers.d/kms-sidecar.conf"
  install -D -m 0644 packaging/systemd/kms-sidecar.tmpfiles "$root/usr/lib/tmpfiles.d/kms-sidecar.conf"

  install -D -m 0644 -t "$doc" README.md $here/README.Debian
  install -D -m 0644 $here/copyright "$doc/copyright"
  install -D -m 0644 -t "$doc/docs" docs/*.md
  # Examples, for the operator to put in /etc. In /usr/lib/systemd/system the one for RustFS would turn every RustFS of the machine to this KMS at
  # its next start, before there is a certificate or a user for it, and away from whatever KMS its objects are encrypted by.
  for example in packaging/systemd/*.d/*.conf; do
    install -D -m 0644 "$example" "$doc/examples/${example#packaging/systemd/}"
  done
  install -D -m 0644 -t "$doc/examples/prometheus" packaging/prometheus/*.yml
  install -D -m 0644 -t "$doc/examples/grafana" packaging/grafana/*.json
  install -D -m 0755 -t "$doc/examples" scripts/apply-curl.sh scripts/apply-awscurl.sh
  install -D -m 0644 -t "$doc/examples" scripts/apply-steps.sh
  notice dotnet-runtime "microsoft.netcore.app.runtime.nativeaot.$rid/$runtime"
  notice aspnetcore "microsoft.aspnetcore.app.runtime.$rid/$runtime"
  pack CHANGELOG.md "$doc/changelog.gz"
  printf 'kms-sidecar (%s-1) unstable; urgency=medium\n\n  * What is new is in changelog.gz.\n\n -- kms-sidecar maintainers <maintainers@kms-sidecar.invalid>  %s\n' \
    "$version" "$(date -R -d "@$SOURCE_DATE_EPOCH")" >"$work/changelog"
  pack "$work/changelog" "$doc/changelog.Debian.gz"

  install -d "$root/usr/share/man/man5" "$root/usr/share/man/man8"
  pack "$work/manual/kms-sidecar.8" "$root/usr/share/man/man8/kms-sidecar.8.gz"
  pack "$work/manual/kms-sidecar.conf.5" "$root/usr/share/man/man5/kms-sidecar.conf.5.gz"
  install -D -m 0644 "$work/manual/kms-sidecar.bash" "$root/usr/share/bash-completion/completions/kms-sidecar"
  install -D -m 0644 "$work/manual/_kms-sidecar" "$root/usr/share/zsh/vendor-completions/_kms-sidecar"
  install -D -m 0644 "$work/manual/kms-sidecar.fish" "$root/usr/share/fish/vendor_completions.d/kms-sidecar.fish"
  install -D -m 0644 $here/lintian-overrides "$root/usr/share/lintian/overrides/kms-sidecar"

  echo /etc/kms-sidecar/kms-sidecar.conf >"$root/DEBIAN/conffiles"
  install -m 0755 -t "$root/DEBIAN" $here/config $here/postinst $here/prerm $here/postrm
  install -m 0644 -t "$root/DEBIAN" $here/templates
  (cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | sort | xargs md5sum >DEBIAN/md5sums)
  # The newest symbol version that the binary asks of the C library.
  libc=$(readelf -V "$root/usr/bin/kms-sidecar" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
  sed -e "s/@VERSION@/$version-1/; s/@ARCH@/$arch/; s/@LIBC@/${libc#GLIBC_}/" \
    -e "s/@SIZE@/$(find "$root" -type f -printf '%s\n' | awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')/" \
    $here/control.in >"$root/DEBIAN/control"

  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "artifacts/kms-sidecar_$version-1_$arch.deb"
}

built=0
for pair in linux-x64:amd64 linux-arm64:arm64; do
  [ -x "artifacts/${pair%:*}/kms-sidecar" ] || continue
  build "${pair%:*}" "${pair#*:}"
  built=$((built + 1))
done
[ "$built" -gt 0 ] || { echo "packaging/deb/build.sh: there is nothing in artifacts/: ./publish.sh makes it" >&2; exit 66; }
