# `make` alone lists the targets. What needs more than a line or two is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help run demo build test check generate fmt bench soak clean

# Go keeps its caches in the home folder. Where there is none to write to, they go here.
ifneq ($(shell [ -n "$$HOME" ] && [ -w "$$HOME" ] && echo writable),writable)
export GOCACHE ?= $(CURDIR)/.cache/go-build
export GOPATH ?= $(CURDIR)/.cache/go
export GOFLAGS ?= -modcacherw
endif

TOOL = go tool -modfile=tools/go.mod

help: ## List the targets
	@echo "Usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Build and start Orrery on http://127.0.0.1:8080 with a PostgreSQL of its own
	@sh scripts/run.sh

demo: ## The same on a data folder of its own, filled with a sample organisation
	@sh scripts/run.sh demo

build: ## Build bin/orrery
	@sh scripts/build.sh

test: ## Run everything the project tests, checks included; installs what it needs
	@sh scripts/test.sh

check: ## Check without running: format, vet, golangci-lint with staticcheck, generated code, rules
	@sh scripts/check.sh

generate: ## Write the Go code of the templates (*_templ.go)
	@$(TOOL) templ generate -path web/views -log-level warn

fmt: ## Format Go code and templates, and write the code of the templates
	@gofmt -w cmd internal migrations questionnaires scripts web
	@$(TOOL) templ fmt -log-level warn web/views
	@$(MAKE) --no-print-directory generate

bench: ## Measure the running program (figures of docs/performance.md)
	@sh scripts/need.sh go postgresql
	@go test -tags bench -run '^TestBench(Loops)?$$' -count=1 -timeout 30m -v ./cmd/server

soak: ## Long runs: crash cycles, acts at once, each fuzz target (CYCLES=200 ROUNDS=1000 EDITS=1000 CALLS=2000 FUZZTIME=2m)
	@sh scripts/soak.sh

clean: ## Remove what was built; data folders stay
	@rm -rf bin
