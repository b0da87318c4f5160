# `make demo` shows Usher at work, `make test` runs every test, `make check` is what a change must pass.

.PHONY: demo test test-apps check bench setup

# Builds Usher and provisions five people in a demo app through real Chromium, then prints what happened.
demo: setup
	cargo build --quiet
	target/debug/usher demo

# All tests: real Chromium, real SQLite, real HTTP.
test: setup
	@if command -v cargo-nextest >/dev/null 2>&1; then \
	  echo cargo nextest run; cargo nextest run; \
	else \
	  echo cargo test; cargo test; \
	fi

# The connectors of three real apps, which it installs (Debian packages, npm) and starts one after the other.
test-apps: setup
	cargo test --quiet --test apps -- --nocapture --test-threads=1

check: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo deny --log-level error check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items

# Measures the whole way with an optimised build.
bench: setup
	cargo bench --bench path

setup:
	@.ci/setup
