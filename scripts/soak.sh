#!/bin/sh
# Long runs, for before a release: the program and its database are killed over and over
# under load, people sign, edit and decide at once, then each fuzz target runs for a while.
set -eu
sh scripts/need.sh go postgresql
ORRERY_CRASH_CYCLES=${CYCLES:-200} go test -run '^TestCrash' -count=1 -timeout 2h -v ./cmd/server
ORRERY_SOAK_ROUNDS=${ROUNDS:-1000} ORRERY_SOAK_EDITS=${EDITS:-1000} \
	go test -run '^(TestFiftyDecisionsAtOnce|TestNeverSignsUnseenContent|TestSharedAnswersAreLinearizable)$' -count=1 -timeout 2h -v ./internal/review
ORRERY_SOAK_API_CALLS=${CALLS:-2000} go test -run '^TestFuzzFromDescription$' -count=1 -timeout 1h -v ./web/api
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-2m}" "$package"
	done
done
