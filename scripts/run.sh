#!/bin/sh
# run.sh [demo] builds Orrery and becomes it, so that a signal reaches the program itself.
set -eu
sh scripts/need.sh go
[ -n "${DATABASE_URL:-}" ] || sh scripts/need.sh postgresql
sh scripts/build.sh
exec bin/orrery "$@"
