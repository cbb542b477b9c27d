#!/usr/bin/env bash
# Publishes the stripped single binary: artifacts/linux-x64/kms-sidecar, and artifacts/linux-arm64/kms-sidecar where the cross tools are.
#   ./publish.sh [linux-x64|linux-arm64 ...]     default: this machine's, and arm64 when clang and gcc-aarch64-linux-gnu are there
set -euo pipefail
cd "$(dirname "$0")"

native=linux-x64
[ "$(uname -m)" = aarch64 ] && native=linux-arm64

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  targets=("$native")
  if [ "$native" = linux-x64 ] && command -v clang >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null; then
    targets+=(linux-arm64)
  fi
fi

for rid in "${targets[@]}"; do
  case $rid in
    linux-x64) cross=x86_64-linux-gnu ;;
    linux-arm64) cross=aarch64-linux-gnu ;;
    *) echo "publish.sh: unknown target $rid; linux-x64 and linux-arm64 are known" >&2; exit 64 ;;
  esac

  tools=()
  if [ "$rid" != "$native" ]; then
    # clang links for any target; gcc's cross package brings the C library and objcopy.
    { command -v clang && command -v "$cross-gcc"; } >/dev/null || {
      echo "publish.sh: $rid needs clang and $cross-gcc: apt-get install clang gcc-${cross//_/-}" >&2
      exit 69
    }
    tools=(-p:CppCompilerAndLinker=clang "-p:ObjCopyName=$cross-objcopy")
  fi

  output=.build/publish/KmsSidecar/release_$rid
  rm -rf "$output"
  dotnet publish src/KmsSidecar/KmsSidecar.csproj -c Release -r "$rid" --nologo -v quiet ${tools[@]+"${tools[@]}"}
  install -D -m 0755 "$output/kms-sidecar" "artifacts/$rid/kms-sidecar"
  printf '%s %s bytes\n' "artifacts/$rid/kms-sidecar" "$(stat -c %s "artifacts/$rid/kms-sidecar")"
done
