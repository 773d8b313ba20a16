# `make help` lists what there is.
.DEFAULT_GOAL := build
# pam_postern.so is C, and for Linux only.
PAM := $(shell command -v gcc >/dev/null && [ -e /usr/include/security/pam_modules.h ] && echo native)

.PHONY: help run test build native package lint fmt vuln bench fuzz soak conformance graphsdk man clean

# Functions begin at 16 bytes and not at 32, which is a hundredth of the program.
LDFLAGS = -s -w -funcalign=16 -X main.version=$(VERSION)
# Inlining pays where the processor is what one waits for: the standard library, cryptography, the database engine, rules
# and tokens. All else waits for a person, a network or a disk, and without it the program is a twentieth smaller.
INLINED = std golang.org/x/crypto/... github.com/go-jose/... modernc.org/... \
	$(foreach part,access audit devicepolicy directory dpop filter keyring oauth recovery signin store token,github.com/postern-id/postern/internal/$(part)/...)
SMALL = -gcflags=all=-l $(foreach part,$(INLINED),-gcflags=$(part)=)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## the whole product on this machine, with people to try it on
	bin/postern dev

test: ## all tests; installs what they need where it can
	@scripts/test

build: $(PAM) ## bin/postern and bin/postern-agent; pam_postern.so too where gcc and libpam0g-dev are
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags otel $(SMALL) -ldflags='$(LDFLAGS)' -o bin/ ./cmd/...

native: ## bin/pam_postern.so
	@$(MAKE) --no-print-directory -C native/pam

lint: ## how the code is written
	@scripts/lint

fmt: ## format the Go code
	"$$(scripts/tools)/gofumpt" -l -w cmd internal

vuln: ## known vulnerabilities in what is linked in; needs the network
	"$$(scripts/tools)/govulncheck" ./...

bench: ## the program against what the machine can do, then the small benchmarks
	go run ./bench; missed=$$?; go test -run='^$$' -bench=. -benchmem ./... && exit $$missed

fuzz: ## each fuzz test for FUZZTIME, a minute unless set
	@scripts/fuzz

soak: ## the long forms of the tests: kills, races, every page in every shape
	@scripts/test-deps
	@$(MAKE) --no-print-directory build
	POSTERN_SOAK=1 go test -race -count=1 -timeout=0 ./...
	cd test/browser && npm ci --silent && POSTERN_SOAK=1 node --test

conformance: build ## official clients against bin/postern
	@scripts/conformance

graphsdk: build ## the full Graph SDK for Go against bin/postern; compiles for ten minutes
	go -C conformance/graphsdk mod download
	@scripts/conformance go -C graphsdk test -count=1 .

man: ## manual pages, in bin/man
	go run -tags man ./cmd/postern man bin/man

package: build ## bin/postern-agent_*.deb and bin/postern-greeter_*.deb
	@packaging/linux/package $(VERSION)

clean: ## remove what was built
	rm -rf bin
