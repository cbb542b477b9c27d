#!/bin/sh
# Stands in for awscurl where it is not installed: takes its command line, as far as scripts/apply-awscurl.sh uses it, and signs with curl.
#   tests/awscurl-double.sh --service NAME --region NAME -X METHOD [-d DATA] URL      credentials as awscurl has them, from the environment
set -eu
[ "$1 $3 $5" = "--service --region -X" ] || { echo "awscurl-double: unexpected: $*" >&2; exit 2; }
service=$2 region=$4 method=$6
shift 6
if [ "$1" = -d ]; then
  set -- "$3" --data-binary "$2"
fi
url=$1
shift
curl -sS --max-time 60 --aws-sigv4 "aws:amz:$region:$service" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X "$method" "$@" "$url"
