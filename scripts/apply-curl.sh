#!/bin/sh
# Makes a running kms-sidecar have the configuration of a file, with curl alone: over its admin socket, or over TCP with a signature (curl 7.75
# or later). Safe to run again.
#   scripts/apply-curl.sh [-n] [-w SECONDS] FILE      see apply-steps.sh
#   In the environment: KMS_SIDECAR_ENDPOINT, such as https://localhost:9021, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a session,
#   AWS_SESSION_TOKEN; CURL_CA_BUNDLE for a private authority. Without an endpoint the socket KMS_SIDECAR_ADMIN_SOCKET, as root or its group.
set -eu

socket=${KMS_SIDECAR_ADMIN_SOCKET:-/run/kms-sidecar/admin.sock}
endpoint=${KMS_SIDECAR_ENDPOINT:-}
daemon=${endpoint:-$socket}

# quoted TEXT: as a value in curl's configuration, which curl reads from standard input: other users see the arguments of a process
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

connection() {
  if [ -z "$endpoint" ]; then
    printf 'unix-socket = %s\n' "$(quoted "$socket")"
    return
  fi
  printf 'aws-sigv4 = "aws:amz:%s:s3"\nuser = %s\n' "$region" "$(quoted "${AWS_ACCESS_KEY_ID:?}:${AWS_SECRET_ACCESS_KEY:?}")"
  [ -z "${AWS_SESSION_TOKEN:-}" ] || printf 'header = %s\n' "$(quoted "x-amz-security-token: $AWS_SESSION_TOKEN")"
}

request() {
  connection | curl -s --max-time 660 -K - -X "$1" ${3:+--data-binary "$3"} "${endpoint:-http://kms-sidecar}$kms/$2"
}

# shellcheck source-path=SCRIPTDIR source=apply-steps.sh
. "$(dirname "$0")/apply-steps.sh"
