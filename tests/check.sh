#!/usr/bin/env bash
# Builds everything with warnings as errors and runs the tests.
#   tests/check.sh           format check, build, tests (a few minutes)
#   tests/check.sh --slow    also the slow set: the 1,000,000-iteration XAES hash
#   VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=... tests/check.sh
#                            also the contract of backends on that OpenBao or Vault, which is skipped without
# The last line is `N passed, N failed`; no test run at all is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

filter=(-trait- Category=Slow)
[ "${1:-}" = --slow ] && filter=()

dotnet restore KmsSidecar.sln --nologo -v quiet || { echo "0 passed, 1 failed"; exit 1; }
dotnet format KmsSidecar.sln --verify-no-changes --no-restore || { echo "0 passed, 1 failed"; exit 1; }
dotnet build KmsSidecar.sln -c Release --no-restore --nologo -v quiet || { echo "0 passed, 1 failed"; exit 1; }

report=$(mktemp)
trap 'rm -f "$report"' EXIT
dotnet .build/bin/KmsSidecar.Tests/release/KmsSidecar.Tests.dll ${filter[@]+"${filter[@]}"} -noColor | tee "$report"
status=${PIPESTATUS[0]}

total=$(sed -nE 's/.*Total: ([0-9]+).*/\1/p' "$report" | tail -1)
failed=$(sed -nE 's/.*Errors: ([0-9]+), Failed: ([0-9]+).*/\1 \2/p' "$report" | tail -1 | awk '{ print $1 + $2 }')
skipped=$(sed -nE 's/.*Skipped: ([0-9]+).*/\1/p' "$report" | tail -1)
total=${total:-0} failed=${failed:-0} skipped=${skipped:-0}
if [ "$total" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
  failed=$((failed + 1))
fi

[ "$skipped" -eq 0 ] || echo "$skipped skipped: those that need an OpenBao or Vault, named by VAULT_ADDR and VAULT_TOKEN"
echo "$((total - failed - skipped > 0 ? total - failed - skipped : 0)) passed, $failed failed"
[ "$failed" -eq 0 ]
