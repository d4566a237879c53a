# The front door. `make help` lists the targets.
#
#   make run FILE=examples/hello.py [ARGS="a b"]     make test     make bench     make install PREFIX=/usr/local
#
# Set-up, build output and the file's own output are kept apart: only the program writes to stdout.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
BUILD := build/release
CACHE := $(or $(SANDPIT_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sandpit)
export CARGO_TARGET_DIR ?= $(CACHE)/cargo
# An environment may be empty. ccache, whose key holds the locale, is shared with .ci/run.
export LC_ALL ?= C.UTF-8
# Progress on a terminal, silence elsewhere (a failing command's output is shown in both cases).
QUIET := $(if $(MAKE_TERMERR),,--quiet)

.DEFAULT_GOAL := help
.PHONY: help setup configure build run test test-vm languages bench bench-languages bench-warm install lint format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:
	@tools/setup.sh run

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json
	@cmake --preset release -Wno-dev >/dev/null

# Configured anew as long as there is no Rust tool chain: it may have been installed since.
build: setup $(BUILD)/build.ninja ## build the program (build/release/sandpit)
	@grep -q "^build libexec/sandpit/wasm-worker:" $(BUILD)/build.ninja || cmake --preset release -Wno-dev >/dev/null
	@cmake --build $(BUILD) --target ship -j $(JOBS) -- $(QUIET) >&2

run: build ## run FILE=… in the jail, with ARGS="…"; OPTIONS="…" are sandpit's own
	@test -n "$$FILE" || { echo 'usage: make run FILE=examples/hello.py [ARGS="…"]' >&2; exit 2; }
	@$(BUILD)/sandpit run $(OPTIONS) "$$FILE" $(if $(ARGS),-- $(ARGS))

# Always configured anew: the tests are left out of a build tree that was made before GoogleTest was installed.
test: ## build and run every test
	@tools/setup.sh test
	@cmake --preset release -Wno-dev >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- $(QUIET) >&2
	@ctest --preset release $(if $(JUNIT),--output-junit $(JUNIT)) $(CTEST_OPTIONS)

languages: build ## install every language that Sandpit knows, run its test programs, write docs/languages.md
	@tools/setup.sh languages
	@tools/languages.py $(BUILD)/sandpit docs/languages.md

test-vm: ## run all tests that meet the kernel on Linux 6.1 with cgroup v2, emulated (an hour or more)
	@tools/setup.sh ci
	@cmake --preset release -Wno-dev >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- $(QUIET) >&2
	@tests/vm/run.sh --full $(BUILD) $(BUILD)/vm-reports

bench: ## print the benchmark tables, peers side by side; OPTIONS="--quick --only true" for less
	@tools/setup.sh test
	@cmake --preset release -Wno-dev >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- $(QUIET) >&2
	@bench/run.py --build $(BUILD) $(OPTIONS)

bench-warm: ## warm starts: latency against the bare interpreter and cold runs, throughput, a soak; OPTIONS="--soak 100000"
	@tools/setup.sh test
	@cmake --preset release -Wno-dev >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- $(QUIET) >&2
	@bench/warm.py --build $(BUILD) $(OPTIONS)

bench-languages: build ## each language's hello, bare and in the jail; compile times, cold and cached
	@bench/languages.py --build $(BUILD) $(OPTIONS)

install: build ## install below PREFIX (default /usr/local), staged below DESTDIR
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(abspath $(PREFIX))" >&2
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

lint: build ## format check, clang-tidy and the layer rules
	@tools/setup.sh ci
	@cmake --build $(BUILD) -j $(JOBS) -- $(QUIET) >&2
	@tools/check_format.sh
	@tools/check_layers.py
	@tools/clang_tidy.py $(BUILD)

format: ## format every tracked C++ file in place
	@git ls-files -z '*.cc' '*.h' '*.c' | xargs -0 -r clang-format-19 -i

clean: ## remove build output; the caches outside the clone stay
	@rm -rf build
