# `make demo` shows Usher at work, `make test` runs every test, `make check` is what a change must pass.

.PHONY: demo test test-apps test-faults check bench bench-evidence bench-queue bench-scim bench-sync setup suites

# Builds Usher and provisions five people and a group in a demo app through real Chromium, then prints what happened.
demo: setup
	@# With a test beside it, so that Cargo builds the dependencies as it does for `make test`, and only once for both.
	cargo build --quiet --bin usher --test apps
	"$${CARGO_TARGET_DIR:-target}/debug/usher" demo

# All tests: real Chromium, real SQLite, real PostgreSQL, real HTTP, and the SCIM suites of others.
test: setup suites
	@.ci/setup postgres
	@if command -v cargo-nextest >/dev/null 2>&1; then \
	  echo cargo nextest run --no-fail-fast; tests/with-postgres cargo nextest run --no-fail-fast; \
	else \
	  echo cargo test --no-fail-fast; tests/with-postgres cargo test --no-fail-fast; \
	fi

# The connectors of three real apps, which it installs (Debian packages, npm) and starts one after the other.
test-apps: setup
	cargo test --quiet --test apps -- --nocapture --test-threads=1

# The tests of faults, with a fault at every request instead of every third, and several gateways and workers on one database, a worker killed
# each five seconds while they make 500 accounts in five apps; then 2,000 faults of every kind over 20,000 wanted changes, which takes an hour
# and more, prints its seed, and can be made smaller (USHER_FAULT_CHANGES, USHER_FAULT_COUNT) or repeated (USHER_SEED).
test-faults: setup
	@.ci/setup postgres
	USHER_FAULTS=all tests/with-postgres cargo test --test it -- --nocapture path::faults path::many on_postgres::server
	USHER_FAULT_CHANGES=$${USHER_FAULT_CHANGES:-20000} USHER_FAULT_COUNT=$${USHER_FAULT_COUNT:-2000} \
	  tests/with-postgres cargo test --test it -- --nocapture --test-threads=1 path::suite

check: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo deny --log-level error check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items

# Measures with an optimised build, against Playwright and Puppeteer in the same run, and keeps the tables in
# benches/RESULTS.md. Needs an otherwise idle machine.
bench: setup
	@.ci/setup node npm
	npm ci --prefix benches/flow/peers --no-audit --no-fund --silent
	cargo bench --no-run --bench path --bench flow
	@{ echo "# What was measured"; echo; \
	  echo "\`make bench\` on $$(date -u +%Y-%m-%d), $$(nproc) cores, $$(chromium --version | xargs), Node $$(node --version),"; \
	  echo "$$(git describe --always --dirty). Absolute figures mean nothing on another machine; the ratios do."; \
	  echo; echo "## The whole way of 200 new accounts, one worker"; echo; \
	  cargo bench --quiet --bench path; \
	  echo; echo "## Twelve steps on Acme Desk"; \
	  cargo bench --quiet --bench flow; } | tee benches/RESULTS.md

# Measures what pictures, pages, step log and recording cost a flow, with an optimised build.
bench-evidence: setup
	EVIDENCE=1 cargo bench --quiet --bench flow

# Measures the gateway with an optimised build, against scim2-server (PyPI) and the floor in the same run. Needs an otherwise idle
# machine and about ten minutes.
bench-scim: setup suites
	cargo bench --bench scim

# Measures the queue with an optimised build, against graphile-worker and pg-boss in the same run. Needs an otherwise idle machine and about
# ten minutes.
bench-queue: setup
	@.ci/setup node npm postgres
	npm ci --prefix benches/queue/peers --no-audit --no-fund --silent
	cargo bench --no-run --bench queue
	USHER_TEST_FSYNC=on tests/with-postgres cargo bench --quiet --bench queue

# Measures a comparison of 100,000 accounts, and a sync of 10,000 through Chromium, with an optimised build.
bench-sync: setup
	cargo bench --bench sync

# The SCIM suites, and a SCIM server to compare with, from PyPI, in target/suites.
suites:
	@.ci/setup python3
	@tests/suites/prepare.sh

setup:
	@.ci/setup
