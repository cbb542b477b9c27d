#!/bin/sh
# Makes a running kms-sidecar have the configuration of a file, with awscurl. Safe to run again.
#   scripts/apply-awscurl.sh [-n] [-w SECONDS] FILE      see apply-steps.sh
#   In the environment: KMS_SIDECAR_ENDPOINT, such as https://localhost:9021, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a session,
#   AWS_SESSION_TOKEN, which awscurl reads itself; REQUESTS_CA_BUNDLE for a private authority. AWSCURL for another command.
set -eu

endpoint=${KMS_SIDECAR_ENDPOINT:?the URL of the daemon, such as http://127.0.0.1:9020}
daemon=$endpoint

request() {
  "${AWSCURL:-awscurl}" --service s3 --region "$region" -X "$1" ${3:+-d "$3"} "$endpoint$kms/$2"
}

# shellcheck source-path=SCRIPTDIR source=apply-steps.sh
. "$(dirname "$0")/apply-steps.sh"
