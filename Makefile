# `make` or `make help` lists the targets. Each target does all of its set-up.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Cargo uses every core by itself, and timing tests need the machine to themselves, so -j has no effect.
.NOTPARALLEL:
unexport MAKEFLAGS

WITH_SERVICES := scripts/services/with.sh --kafka --postgres --timescale
SCRIPTS := $(wildcard scripts/*.sh scripts/services/*.sh web/tests/*/*.sh) .ci/run
WEB_MODULES := web/node_modules/.package-lock.json
WEB_PAGE := web/dist/page/index.html
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/generated/*' -not -path 'web/tests/*')
# Also the tests that need services, which `cargo test` alone ignores.
WITH_IGNORED := --include-ignored --skip child_process_
# `make test-rust ARGS='stores_each_row'`: only tests with that name. Arguments after ` -- ` go to the test binaries.
ARGS ?=

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: prerequisites-run web ## Build and run everything in one process, with a simulated sky (no account, broker or database needed)
	cargo run --release --locked --bin flight-monitor -- serve --demo $(ARGS)

.PHONY: live
live: prerequisites-run web ## The same with the real OpenSky (anonymous, or with the account in credentials.json)
	cargo run --release --locked --bin flight-monitor -- serve $(ARGS)

.PHONY: web
web: $(WEB_PAGE) ## Build the page, which is part of a release build

##@ Development

.PHONY: test
test: test-web test-rust test-api test-parquet test-browser test-services ## Every test, with a real Kafka, PostgreSQL and TimescaleDB

.PHONY: test-rust
test-rust: prerequisites-test web ## Only the Rust tests (ARGS='name' selects some)
	@echo "==> building the tests"
	cargo test --locked --no-run
	@echo "==> running them with real services on free ports (or those of TEST_KAFKA, TEST_DATABASE_URL and TEST_TIMESCALE_URL)"
	$(WITH_SERVICES) -- cargo test --locked --no-fail-fast $(ARGS) $(if $(findstring -- ,$(ARGS)),,-- )$(WITH_IGNORED)
	cd bench && cargo test --locked -p loadgen

.PHONY: test-services
test-services: prerequisites-test ## The scripts that start services: crashes, restarts, clean-up
	@echo "==> checking the scripts that start services"
	scripts/services/check.sh

.PHONY: test-web
test-web: prerequisites-run $(WEB_MODULES) ## Tests of the page's logic and of the stream client
	npm --prefix web run --silent build:stream
	npm --prefix web run --silent test

.PHONY: test-api
test-api: prerequisites-test web ## Requests generated from /api/v1/openapi.json by Schemathesis, and the Python example
	@echo "==> sending valid and invalid requests"
	cargo build --locked --features fault-injection --bin flight-monitor
	scripts/check-api.sh target/debug/flight-monitor

.PHONY: test-parquet
test-parquet: prerequisites-test web ## Exported Parquet files read by DuckDB and Polars, and files of theirs and of pandas imported
	@echo "==> reading Parquet files with DuckDB and Polars, and importing theirs"
	cargo build --locked --features fault-injection --bin flight-monitor
	scripts/check-parquet.sh target/debug/flight-monitor

.PHONY: check-traffic
check-traffic: prerequisites-test ## An export read by the Python library traffic, and its flights compared (1 GB of packages; ten minutes)
	cargo build --locked --features fault-injection --bin flight-monitor
	scripts/check-traffic.sh target/debug/flight-monitor

# Cases of each kind.
CASES ?= 100000
.PHONY: fuzz
fuzz: ## CASES=100000 of each kind of invalid input: OpenSky's answers, Kafka's values, queries, settings, requests
	cargo test --locked --no-run
	PROPTEST_CASES='$(CASES)' cargo test --locked --no-fail-fast fuzzed_ -- --nocapture

# Options of check-detect: how many processes are killed, suspended or stopped; seed (empty: a new one)
KILLS ?= 100
DETECT_SEED ?=
.PHONY: check-detect
check-detect: prerequisites-test ## Kill detecting processes KILLS=100 times, and compare the alerts with the log
	cargo test --locked --test server --no-run
	DETECT_KILLS=$(KILLS) $(if $(DETECT_SEED),DETECT_SEED=$(DETECT_SEED)) scripts/services/with.sh --kafka -- \
		cargo test --locked --test server alerts_begin_and_end_once -- --nocapture --ignored

# Options of the chaos bench: duration; seed (empty: a new one, which is printed); faults (empty: all); seconds of each outage
# (empty: random); number of aircraft, of which four in five change at each poll, once a second (empty: 500).
MINUTES ?= 10
SEED ?=
FAULTS ?=
OUTAGE ?=
AIRCRAFT ?=
.PHONY: chaos
chaos: prerequisites-test ## Random faults for MINUTES=10 from SEED=…, then compare all records (FAULTS=kill-storer,…; OUTAGE=60)
	cargo test --locked --test chaos --no-run
	CHAOS_MINUTES='$(MINUTES)' CHAOS_SEED='$(SEED)' CHAOS_FAULTS='$(FAULTS)' CHAOS_OUTAGE='$(OUTAGE)' CHAOS_AIRCRAFT='$(AIRCRAFT)' \
		scripts/services/with.sh -- cargo test --locked --test chaos nothing_is_lost -- --nocapture --ignored

# Kills of the archive check.
KILLS ?= 100
.PHONY: check-archive
check-archive: prerequisites-test ## Kill two archiving processes KILLS=100 times, then compare the files with the topic by DuckDB (SEED=…)
	cargo build --locked --features fault-injection --bin flight-monitor
	scripts/services/with.sh --kafka -- scripts/check-archive.sh target/debug/flight-monitor '$(KILLS)' $(SEED)

.PHONY: soak
soak: prerequisites-test ## 2,000 states a second for MINUTES=60: four processes, then two whole servers; none may grow
	cargo test --locked --test chaos --no-run
	SOAK_MINUTES='$(if $(filter file,$(origin MINUTES)),60,$(MINUTES))' scripts/services/with.sh --kafka --postgres -- \
		cargo test --locked --test chaos nothing_grows -- --nocapture --ignored

.PHONY: test-browser
test-browser: prerequisites-test web ## The page in a real browser, with the real program
	cargo test --locked --no-run
	npm --prefix web run --silent test:browser

.PHONY: api-types
api-types: prerequisites-run $(WEB_MODULES) ## Regenerate the page's API types, web/src/api/schema.ts, from the server's OpenAPI description
	cargo build --locked --features fault-injection --bin flight-monitor
	npm --prefix web run --silent api

.PHONY: golden
golden: ## Record the streams in tests/data/stream and the schemas in docs/schemas again, after a deliberate change
	UPDATE_GOLDEN_FILES=1 cargo test --locked -p actors --test stream
	UPDATE_GOLDEN_FILES=1 cargo test --locked --lib the_published_schemas

.PHONY: screenshots
screenshots: prerequisites-test web ## Recreate the pictures of the documents, about five minutes
	cargo build --release --locked --bin flight-monitor
	FLIGHT_MONITOR='$(CURDIR)/target/release/flight-monitor' npm --prefix web run --silent screenshots -- $(ARGS)

.PHONY: lint
lint: lint-rust lint-web lint-scripts lint-docs lint-containers lint-alerts ## Formatting, Clippy, the crate rule, dependencies, ESLint, ShellCheck, documents, Compose, Hadolint, alert rules

.PHONY: lint-rust
lint-rust: prerequisites-run
	cargo fmt --all --check
	cargo clippy --workspace --locked -- -D warnings
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd bench && cargo fmt --all --check && cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-architecture.sh
	scripts/check-dependencies.py

.PHONY: lint-web
lint-web: prerequisites-run $(WEB_MODULES)
	npm --prefix web run --silent lint

.PHONY: lint-scripts
lint-scripts: prerequisites-lint
	shellcheck $(SCRIPTS)

.PHONY: lint-docs
lint-docs: prerequisites-lint ## Line lengths and links of the documents, and the spelling of the whole tree
	scripts/check-docs.sh

.PHONY: lint-containers
lint-containers: prerequisites-lint
	scripts/check-containers.sh

.PHONY: check-image
check-image: prerequisites-test ## Build the image with buildah, without a container engine, and run it as Compose would (root; half an hour)
	scripts/check-image.sh build
	scripts/services/with.sh --kafka --postgres -- scripts/check-image.sh run

.PHONY: lint-alerts
lint-alerts: prerequisites-lint
	scripts/check-alerts.sh

# Builds the server, then a benchmark: `bench/` is a separate workspace and starts the server's release build.
BENCH := env -C bench cargo bench --locked
BENCH_BUILD := cargo build --release --locked --bin flight-monitor && $(BENCH) --no-run
.PHONY: bench
bench: prerequisites-test ## The benchmarks, with a durable PostgreSQL and a Kafka at full speed (ARGS='-- --quick', ARGS='-- latency')
	$(BENCH_BUILD) --bench pipeline
	KAFKA_JVM_OPTS='-Xms1g -Xmx1g -XX:+UseG1GC' scripts/services/with.sh --kafka --postgres --durable -- \
		$(BENCH) --bench pipeline $(ARGS)

.PHONY: bench-backlog
bench-backlog: prerequisites-test ## A backlog into the database, compared with other ways to store the same rows (ARGS='-- --quick')
	$(BENCH_BUILD) --bench backlog
	KAFKA_JVM_OPTS='-Xms1g -Xmx1g -XX:+UseG1GC' scripts/services/with.sh --kafka --postgres --timescale --durable -- \
		$(BENCH) --bench backlog $(ARGS)

.PHONY: bench-store
bench-store: prerequisites-test ## Storing rows, compared with other ways to store the same rows
	$(BENCH_BUILD) --bench store
	scripts/services/with.sh --postgres --durable -- $(BENCH) --bench store

.PHONY: bench-hub
bench-hub: prerequisites-bench ## The live stream for thousands of clients, compared with other servers (ARGS='-- --quick', ARGS='-- small')
	$(BENCH_BUILD) --bench hub
	scripts/services/with.sh --kafka -- $(BENCH) --bench hub $(ARGS)

.PHONY: bench-compat
bench-compat: prerequisites-test ## A thousand clients of aircraft.json and OpenSky's /states/all, each once a second (ARGS='-- --quick')
	$(BENCH_BUILD) --bench compat
	scripts/services/with.sh --kafka -- $(BENCH) --bench compat $(ARGS)

.PHONY: bench-sources
bench-sources: prerequisites-test ## From a receiver's message to a browser, and what three sources cost (ARGS='-- --quick', ARGS='-- latency')
	$(BENCH_BUILD) --bench sources
	scripts/services/with.sh --kafka --postgres --durable -- $(BENCH) --bench sources $(ARGS)

.PHONY: bench-history
bench-history: prerequisites-test ## Reading the history of all three databases, 30 GB of disk (ARGS='-- --quick', ARGS='-- sqlite')
	$(BENCH_BUILD) --bench history
	scripts/services/with.sh --kafka --postgres --timescale --durable -- $(BENCH) --bench history $(ARGS)

.PHONY: bench-import
bench-import: prerequisites-test ## A dump of 5 million states in OpenSky's form into PostgreSQL (ARGS='-- --quick', ARGS='-- csv')
	$(BENCH_BUILD) --bench import
	scripts/services/with.sh --postgres --durable -- $(BENCH) --bench import $(ARGS)

.PHONY: bench-enrichment
bench-enrichment: prerequisites-bench ## The aircraft table: load, memory and lookups of 600,000 rows (ARGS='-- FILE' for your own)
	$(BENCH) --bench enrichment $(ARGS)

.PHONY: bench-detect
bench-detect: prerequisites-test ## Applying 100 rules and 1,000 polygons, and from a state to its alert and webhook (ARGS='-- --quick')
	$(BENCH_BUILD) --bench detect
	scripts/services/with.sh --kafka -- $(BENCH) --bench detect $(ARGS)

.PHONY: bench-page
bench-page: prerequisites-test web ## The cost of the page for a browser with 10,000 aircraft, eight minutes (ARGS='-t panning' for a part)
	cargo build --release --locked --bin flight-monitor
	FLIGHT_MONITOR='$(CURDIR)/target/release/flight-monitor' npm --prefix web run --silent bench -- $(ARGS)

.PHONY: generate
generate: prerequisites-run ## Write config.yaml and the settings table of docs/configuration.md again
	cargo build --locked --bin flight-monitor
	scripts/generate.sh target/debug/flight-monitor

.PHONY: fmt
fmt: $(WEB_MODULES) ## Format the source
	cargo fmt --all
	cd bench && cargo fmt --all
	npm --prefix web run --silent format

$(WEB_MODULES): web/package-lock.json | prerequisites-run
	npm --prefix web ci --no-audit --no-fund
	@touch $@

$(WEB_PAGE): $(WEB_MODULES) $(WEB_SOURCES)
	npm --prefix web run --silent build

.PHONY: prerequisites-run prerequisites-test prerequisites-lint prerequisites-bench
prerequisites-run:
	@scripts/check-prerequisites.sh run
prerequisites-test:
	@scripts/check-prerequisites.sh run test
prerequisites-lint:
	@scripts/check-prerequisites.sh lint
prerequisites-bench:
	@scripts/check-prerequisites.sh run test bench
