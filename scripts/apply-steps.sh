# shellcheck shell=sh disable=SC2034,SC2154 # variables that the script which sources it uses, and sets
# What apply-curl.sh and apply-awscurl.sh have in common: makes a running kms-sidecar have the configuration of a file, and changes nothing
# when it has it already. Sourced; the script defines `request METHOD ROUTE [DATA]`, which prints the daemon's answer, and `$daemon`, its name
# in messages. DATA is as curl's -d takes it: text, or @FILE.
#
#   APPLY-SCRIPT [-n] [-w SECONDS] FILE
#     FILE   the configuration, as POST configure takes it. A running service keeps what the file does not name.
#     -n     say whether something would be changed, and change nothing: ends with 0 when nothing would be, with 1 otherwise
#     -w     how long to wait for what is not there yet: the daemon, its backend, VAULT_ADDR and RUSTFS_ENDPOINT
#   In the environment, each optional: AWS_REGION; VAULT_ADDR and RUSTFS_ENDPOINT, which are waited for (with curl).
#   Ends with 0: done, 64: usage, 65: refused, 66: no such file, 69: not there in time, 75: others change the service all the time.

kms=/rustfs/admin/v3/kms
region=${AWS_REGION:-us-east-1}
rehearsal='' patience=0 started=$(date +%s) said=''

die() { # EXIT-CODE MESSAGE
  printf '%s: %s\n' "${0##*/}" "$2" >&2
  exit "$1"
}

usage() { die 64 "usage: ${0##*/} [-n] [-w SECONDS] FILE"; }

# pause WHY: until the next try; ends the script when the time is over
pause() {
  [ $(($(date +%s) - started)) -lt "$patience" ] || die 69 "$1"
  [ "$1" = "$said" ] || printf 'waiting: %s\n' "$1" >&2
  said=$1
  sleep 1
}

# text MEMBER JSON: the value of a string member that occurs once
text() { printf '%s\n' "$2" | sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p'; }

# element NAME XML: what S3 says in the place of JSON when a signature or a policy refuses
element() { printf '%s\n' "$2" | sed -nE "s|.*<$1>([^<]*)</$1>.*|\1|p"; }

# ask METHOD ROUTE [DATA]: the answer, which is a success, into $answer. Asks again while what keeps it from succeeding may pass.
# Returns 1 when someone else has changed the service meanwhile.
ask() {
  while :; do
    answer=$(request "$@") || answer=
    case $answer in
      '') code=Unreachable fault="$daemon cannot be reached" ;;
      *'<Error>'*) code=$(element Code "$answer") fault=$(element Message "$answer") ;;
      *'"success":false'*) code=$(text code "$answer") fault=$(text message "$answer") ;;
      *) return 0 ;;
    esac
    case $code in
      Unreachable | NotRunning | BackendUnavailable | BackendTimeout | SlowDown | ServiceUnavailable) pause "$fault" ;;
      WrongState) return 1 ;;
      *) die 65 "$fault" ;;
    esac
  done
}

# wait_for NAME URL STATUS: until URL answers with a status of that extended regular expression
wait_for() {
  while :; do
    code=$(curl -s -o /dev/null --max-time 5 -w '%{http_code}' "$2") || code=000
    ! printf '%s\n' "$code" | grep -qxE "$3" || return 0
    pause "$1 is not ready at $2 (status $code)"
  done
}

apply() {
  ask GET status || return
  case $answer in *'"status":"NotConfigured"'*) route=configure ;; *) route=reconfigure ;; esac
  case $answer in '{"status":"Running"'*) running=yes ;; *) running='' ;; esac

  # The daemon compares, secrets too, and tells what differs without telling a secret.
  ask POST "$route?dry_run=true" "@$file" || return
  case $answer in *'"changed":true'*) changed=yes ;; *) changed='' ;; esac
  if [ -n "$rehearsal" ]; then
    [ -n "$changed" ] || [ -z "$running" ] || { echo "no change"; exit 0; }
    echo "would be changed: ${changed:+configuration }$([ -n "$running" ] || echo "service (started)")"
    exit 1
  fi

  if [ -n "$changed" ]; then
    ask POST "$route" "@$file" || return
    echo "configuration: changed"
    did=yes
  fi
  ask GET status || return
  case $answer in
    '{"status":"Running"'*) ;;
    *)
      ask POST start || return
      echo "service: started"
      did=yes
      ask GET status || return
      ;;
  esac
  case $answer in *'"default_key_id":"'*) ask POST generate-data-key '{}' || return ;; esac
}

while getopts nw: option; do
  case $option in
    n) rehearsal=yes ;;
    w) patience=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
case $patience in '' | *[!0-9]*) usage ;; esac
[ $# -eq 1 ] || usage
file=$1
[ -r "$file" ] || die 66 "cannot read $file"

[ -z "${VAULT_ADDR:-}" ] || wait_for Vault "$VAULT_ADDR/v1/sys/health?standbyok=true&perfstandbyok=true" 200
[ -z "${RUSTFS_ENDPOINT:-}" ] || wait_for RustFS "$RUSTFS_ENDPOINT/health/ready" '[1-4]..|501'

did='' round=1
until apply; do
  [ "$round" -lt 5 ] || die 75 "$fault"
  round=$((round + 1))
done
[ -n "$did" ] || echo "no change"
