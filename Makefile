# SPDX-License-Identifier: MIT
# The front door. CMake does the work (CMakePresets.json); this says what there is to ask for.
#
#   make           build what people run: build/release/cli/pressrun
#   make demo      install what is missing, build, run the examples on real data
#   make test      install what is missing, build with both compilers and the sanitizers, run the tests
#   make soak      all tests under all presets, a million random documents, a fault at every system call, a thousand
#                  mutated inputs of a kind, 500 schemas that nobody would design, half an hour of fuzzing a target
#   make bench     compare with template engines, ninja, make, Hugo: same outputs first, then times and memory
#   make format    lay out the sources as .clang-format says
#   make clean     remove build/ and the example's output

MAKEFLAGS += --no-print-directory
JOBS ?= $(or $(shell nproc 2>/dev/null),2)
PRESSRUN := build/release/cli/pressrun
DEMO := examples/iso-codes
SECOND := examples/unicode-data
# Some tests wait most of the time.
CTEST := ctest --output-on-failure -j$(shell expr $(JOBS) + 1) --test-dir
BEHAVIOUR := '^(unit|golden|cli|fuzz|fault)$$'
FUZZ_SECONDS ?= 1800
TARGET := all

# Archer tells the thread sanitizer which order OpenMP tasks are in; without it every task looks like a race.
ARCHER := $(firstword $(wildcard /usr/lib/llvm-*/lib/libarcher.so))
TSAN_ENVIRONMENT := OMP_TOOL_LIBRARIES=$(ARCHER) TSAN_OPTIONS=ignore_noninstrumented_modules=1

export TMPDIR := $(shell scripts/scratch)

.DEFAULT_GOAL := release
.PHONY: release dev clang asan tsan fuzz demo test soak bench format clean

# What people run: the program alone.
release:
	@mkdir -p build
	@cmake --preset release -DBUILD_TESTING=OFF >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build build/release -j $(JOBS)

# With tests, one target per preset.
dev clang asan tsan:
	@mkdir -p build
	@cmake --preset $@ >build/$@.log 2>&1 || { cat build/$@.log; exit 1; }
	@cmake --build build/$@ -j $(JOBS) --target $(TARGET)

demo:
	@scripts/install-packages build demo
	@$(MAKE) release
	@$(PRESSRUN) run -C $(DEMO)
	@$(PRESSRUN) run -C $(SECOND)
	@echo
	@echo "Look at:"
	@echo "    $(DEMO)/out/index.html              one page over all countries, in a browser"
	@echo "    $(DEMO)/out/types/                  a page per type of language"
	@echo "    $(DEMO)/out/languages/e/eng.txt     one of 7,900 cards"
	@echo "    $(DEMO)/pressrun.yaml               how it is made"
	@echo "    $(SECOND)/out/index.html           the characters of Unicode, by category"
	@echo "    $(SECOND)/out/characters.sqlite    and as a database"
	@echo "    $(PRESSRUN) history -C $(DEMO) latest    what the run did and took"

# tests/builds.cmake says which test runs where. The address sanitizer's build is gcc's, the thread sanitizer's clang's, both with
# warnings as errors.
test:
	@scripts/install-packages build demo test
	@$(MAKE) asan
	@$(MAKE) tsan TARGET=threaded_tests
	@$(MAKE) dev TARGET=plain_tests
	$(CTEST) build/asan -L $(BEHAVIOUR) -LE '^(plain|threads)$$'
	$(TSAN_ENVIRONMENT) $(CTEST) build/tsan -L '^threads'
	$(CTEST) build/dev -L '^(plain|model|example|bench|lint)$$'

soak: export PRESSRUN_DOCUMENTS = 1000000
soak: export PRESSRUN_FAULT_ALL = 1
soak: export PRESSRUN_MUTATIONS = 1000
soak: export PRESSRUN_SCHEMAS = 500
soak: export PRESSRUN_JOINS = 300
soak: export PRESSRUN_AGAIN_SECONDS = 900
soak: export PRESSRUN_STRATEGIES_SECONDS = 900
soak:
	@scripts/install-packages build demo test
	@$(MAKE) release dev clang asan tsan fuzz
	$(CTEST) build/dev
	$(CTEST) build/clang
	$(CTEST) build/asan
	$(TSAN_ENVIRONMENT) $(CTEST) build/tsan
	scripts/fuzz build/fuzz $(FUZZ_SECONDS)

# The fuzz targets with libFuzzer.
fuzz:
	@mkdir -p build
	@cmake --preset fuzz >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
	@cmake --build build/fuzz -j $(JOBS) --target fuzz_targets

# Peers that cannot be installed are named as missing. Node.js may be there from elsewhere, without Debian's npm.
bench:
	@scripts/install-packages build
	@scripts/install-packages bench || true
	@command -v npm >/dev/null || scripts/install-packages bench-npm || true
	@$(MAKE) release
	@bench/run --pressrun $(PRESSRUN)

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build $(DEMO)/out $(SECOND)/out
