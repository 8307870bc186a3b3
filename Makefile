# Connect Chat. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help setup build run test fuzz mutants soak clean

DATA := data
# What the tests leave out, by name. What the machine does not permit is left out by itself; the closing table says so.
WITHOUT ?= $(shell scripts/not_permitted.sh)
export PATH := $(HOME)/.cargo/bin:$(PATH)

help: ## Says what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## Installs the tools that are missing, and says which
	@scripts/setup.sh

build: ## Builds the program: target/release/connect-chat
	cargo build --release -p connect-chat

run: build ## Builds the program and starts it with its data in ./data
	@exec target/release/connect-chat serve --data $(DATA)

test: ## Everything that must hold before a change is taken
	@WITHOUT='$(WITHOUT)' scripts/stages.sh \
		setup   'scripts/setup.sh' \
		format  'cargo fmt --all --check' \
		clippy  'cargo clippy --workspace --all-targets -- -D warnings' \
		tidy    'cargo xtask tidy' \
		deny    'cargo deny --log-level error check bans licenses sources' \
		unused  'cargo shear' \
		build   'cargo build --workspace --all-targets' \
		test    'cargo test --workspace' \
		api     'scripts/api/run.sh'

mutants: ## Takes safeguards out of a copy of the code, one by one: a test must notice each (an hour from nothing)
	cargo xtask mutants

HOURS := 1
soak: ## Simulates on fresh seeds, crashes the server, and loads it, in turn for HOURS; the last line repeats a failure
	@scripts/soak.sh $(HOURS)

SECS := 60
fuzz: ## Lets libFuzzer at every decoder for SECS each, or at TARGETS; KEEP=1 keeps what it found
	@scripts/fuzz.sh $(SECS) $(TARGETS)

clean: ## Deletes what was built; ./data stays
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
