#!/bin/sh
# Everything the project tests, on a fresh clone too. It asks nothing and needs no terminal.
set -eu
began=$(date +%s)
sh scripts/need.sh go postgresql chromium pdftotext
echo "Testing with $(go env GOVERSION) on $(getconf _NPROCESSORS_ONLN) cores."

# No test may find anybody's AWS account.
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL 2>/dev/null || true
unset DATABASE_URL ORRERY_DATA ORRERY_LISTEN ORRERY_PUBLIC_URL ORRERY_COLLECT ORRERY_MAIL ORRERY_OUTBOUND_ALLOW ORRERY_URL ORRERY_TOKEN \
	ORRERY_TOKEN_FILE ORRERY_SIGNING_KEY ORRERY_SIGNING_KEY_FILE ORRERY_SECRETS_KEY ORRERY_SECRETS_KEY_FILE 2>/dev/null || true

status=0
sh scripts/check.sh || status=1
echo "Running the tests (the first build takes minutes):"
go run ./scripts/testrun ./... || status=1
seconds=$(($(date +%s) - began))
echo "That took $((seconds / 60)) min $((seconds % 60)) s, the checks and builds included."
exit "$status"
