#!/bin/sh
# Builds bin/orrery: one static binary.
set -eu
sh scripts/need.sh go
# Go stamps the commit into the binary; where git refuses the folder (it belongs to another
# user), it builds without.
vcs=
if command -v git >/dev/null && ! git rev-parse --verify -q HEAD >/dev/null 2>&1; then
	vcs=-buildvcs=false
fi
if [ -e bin/orrery ]; then
	echo "Building Orrery."
else
	echo "Building Orrery; the first build takes a few minutes."
fi
CGO_ENABLED=0 go build -trimpath $vcs -o bin/orrery ./cmd/server
