# Aliases of plain go commands; every target can be run by hand.
export DRIELUIK_SHARED ?= $(abspath ../shared)
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test lint clients redis postgres demo bench generate fuzz torture

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o drieluik ./cmd/drieluik

# SQLite is C translated to Go; to watch each of its loads takes four times the time of all our tests.
# These two packages are that C and its memory, without a generic function that the linker could share with
# ours; its locks are sync.Mutex and stay watched, as does every line of ours.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/memory=-race=false

# Installs what is missing (Go modules and staticcheck come from the Go module proxy), then checks
# and tests everything with the race detector.
test: lint clients redis postgres
	go test $(RACE) $(TESTFLAGS) $(BROWSER)
	go test $(RACE) $(TESTFLAGS) $$(go list ./... | grep -v '/$(notdir $(BROWSER))$$')
	go test $(TESTFLAGS) -run '$(LONG)' ./fhir/rest

# Drives foreign apps in a browser, each flow with a limit in time: nothing else runs beside it.
BROWSER = ./conformance

# Tests that are ten times as long without the race detector.
LONG = ^(TestTheTrailHas|TestNothing|TestAHiddenResource|TestAChangeOfAccess)

lint:
	go mod download
	@test -z "$$(gofmt -l .)" || { echo "gofmt these files:"; gofmt -l .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

# Installs Chromium of Debian and the pinned clients that the browser tests drive, where missing.
clients:
	conformance/clients/install.sh

# Installs redis-server of Debian where it is missing; tests start servers of their own and stop them.
redis:
	conformance/redis/install.sh

# Installs PostgreSQL of Debian where it is missing; tests make clusters of their own and remove them.
postgres:
	conformance/postgres/install.sh

# The tests of faults again, long: power cuts, full disks, stops, idle connections.
TORTURE = ^(TestAcknowledged|TestAFullDisk|TestASignalToStop|TestIdleConnections|TestABackup|TestPostgres)
torture: clients redis postgres
	DRIELUIK_TORTURE=200 go test $(TESTFLAGS) -timeout 60m -run '$(TORTURE)' ./fhir/store ./cmd/drieluik

demo:
	go run ./cmd/drieluik demo

# Measures the built binary against ceilings of this machine; BENCHFLAGS=--short ends within 45 s.
bench: build
	go build -o drieluik-bench ./cmd/drieluik-bench
	./drieluik-bench --binary ./drieluik $(BENCHFLAGS)

# Makes the committed table of R4 again from the definitions in DRIELUIK_SHARED.
generate:
	go run ./fhir/r4/gen -from $(DRIELUIK_SHARED)/fhir/r4

# Feeds what foreign bytes enter by with made-up ones, FUZZTIME each (30s, or 1000x for so many), two at a time.
FUZZTIME ?= 15s
FUZZED = fhir/rest:FuzzEveryBodyIsAnswered fhir:FuzzParse fhir/path:FuzzCompile fhir/search:FuzzParse fhir/patch:FuzzPatch mapping/bundle:FuzzBundle \
	mapping/mks:FuzzDocument mapping/mks:FuzzBack mapping/samordningsplan:FuzzDocument mapping/samordningsplan:FuzzBack mapping/netwerk:FuzzDocument conformance/validate:FuzzResource conformance/terminology:FuzzOperations \
	auth:FuzzParseScopes auth/jose:FuzzParseAssertion auth/jose:FuzzParseProof

fuzz:
	@printf '%s\n' $(FUZZED) | xargs -P 2 -I{} sh -c 'target={}; echo "fuzz $$target"; \
		go test -run "^$$" -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x -parallel 1 ./$${target%%:*}'
