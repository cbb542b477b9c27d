# Assertions for the scripts that drive the published binary. Source it; end with `report`.
# Counts are in $passed and $failed; a failure prints what was expected and what came.

passed=0 failed=0

# ok NAME / not_ok NAME DETAIL
ok() { passed=$((passed + 1)); printf 'ok   %s\n' "$1"; }
not_ok() { failed=$((failed + 1)); printf 'FAIL %s\n     %s\n' "$1" "$2"; }

# check NAME EXPECTED ACTUAL: equal
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi; }

# has NAME TEXT WHOLE: WHOLE contains TEXT
has() { case $3 in *"$2"*) ok "$1" ;; *) not_ok "$1" "expected to find '$2' in: $3" ;; esac; }

# lacks NAME TEXT WHOLE: WHOLE does not contain TEXT
lacks() { case $3 in *"$2"*) not_ok "$1" "did not expect '$2'" ;; *) ok "$1" ;; esac; }

# text MEMBER JSON: the value of a string member that occurs once
text() { printf '%s' "$2" | sed -nE 's/.*"'"$1"'":"([^"]*)".*/\1/p'; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

report() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
