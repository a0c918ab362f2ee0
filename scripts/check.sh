#!/bin/sh
# Everything that is checked without running the program: all steps, then what failed.
# The tools are built at the versions of tools/go.mod.
set -u
sh scripts/need.sh go || exit 1

tool() { name=$1; shift; go tool -modfile=tools/go.mod "$name" "$@"; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM

format() {
	files=$(gofmt -l cmd internal migrations questionnaires scripts web) || return 1
	[ -z "$files" ] && tool templ fmt -fail -log-level error "$copy/fmt" && return 0
	[ -n "$files" ] && printf '%s\n' "$files"
	diff -rq web/views "$copy/fmt" | sed -n 's/^Files \([^ ]*\) and .*/\1/p'
	echo "These files are not formatted. Mend it with: make fmt"
	return 1
}

vet() { go vet ./... && go vet -tags bench ./cmd/server; }

golangci() { tool golangci-lint run --allow-parallel-runners ./...; }

generated() {
	find "$copy/gen" -name '*_templ.go' -exec rm {} + &&
		tool templ generate -path "$copy/gen" -log-level error || return 1
	diff -rq web/views "$copy/gen" -x go.mod >"$copy/diff" && return 0
	sed -n -e 's/^Files \([^ ]*\) and .*/\1/p' -e 's/^Only in \(.*\)/only in \1/p' "$copy/diff" | sed "s|$copy/gen|the generated code|"
	echo "The generated code is not that of the templates. Mend it with: make generate"
	return 1
}

rules() { go test -count=1 ./internal/architecture; }

# description lints the OpenAPI description with the engine of redocly; its packages are kept
# in .cache while tools/redocly/package-lock.json stays as it is.
description() {
	sh scripts/need.sh node || return 1
	dir=.cache/redocly
	mkdir -p "$dir" && cp tools/redocly/* "$dir/" || return 1
	if ! cmp -s "$dir/package-lock.json" "$dir/installed"; then
		(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) && cp "$dir/package-lock.json" "$dir/installed" || return 1
	fi
	go run ./scripts/openapi >"$copy/openapi.json" && node "$dir/lint.mjs" "$copy/openapi.json"
}

failed=""
step() {
	began=$(date +%s)
	if "$2"; then result=ok; else result=FAILED; failed="$failed, $1"; fi
	printf '  %-32s %s  %ss\n' "$1" "$result" "$(($(date +%s) - began))"
}

cp -r web/views "$copy/fmt" && cp -r web/views "$copy/gen" && cp go.mod "$copy/gen/" || exit 1
echo "Checking (the first time the tools are built, which takes minutes):"
step "format" format
step "go vet" vet
step "golangci-lint, with staticcheck" golangci
step "generated code up to date" generated
step "description of the API" description
step "rules of import, size of files" rules
[ -z "$failed" ] && exit 0
echo "Not right: ${failed#, }." >&2
exit 1
