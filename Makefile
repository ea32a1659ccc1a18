# SPDX-License-Identifier: MIT
# The front door. CMake does the work (CMakePresets.json); this says what there is to ask for.
#
#   make           build what people run: build/release/cli/pressrun
#   make demo      install what is missing, build, run the example on real data
#   make test      install what is missing, build with both compilers and the sanitizers, run the tests
#   make soak      all tests under all presets, and the long ones
#   make bench     compare with Jinja2: same outputs first, then times and memory
#   make format    lay out the sources as .clang-format says
#   make clean     remove build/ and the example's output

MAKEFLAGS += --no-print-directory
JOBS ?= $(or $(shell nproc 2>/dev/null),2)
PRESSRUN := build/release/cli/pressrun
DEMO := examples/iso-codes
CTEST := ctest --output-on-failure -j$(JOBS) --test-dir
BEHAVIOUR := -L '^(unit|golden|cli)$$'

# Archer tells the thread sanitizer which order OpenMP tasks are in; without it every task looks like a race.
ARCHER := $(firstword $(wildcard /usr/lib/llvm-*/lib/libarcher.so))
TSAN_ENVIRONMENT := OMP_TOOL_LIBRARIES=$(ARCHER) TSAN_OPTIONS=ignore_noninstrumented_modules=1

.DEFAULT_GOAL := release
.PHONY: release dev clang asan tsan demo test soak bench format clean

# One target per preset.
release dev clang asan tsan:
	@mkdir -p build
	@cmake --preset $@ >build/$@.log 2>&1 || { cat build/$@.log; exit 1; }
	@cmake --build build/$@ -j $(JOBS)

demo:
	@scripts/install-packages build demo
	@$(MAKE) release
	@$(PRESSRUN) -C $(DEMO) run
	@echo
	@echo "Look at:"
	@echo "    $(DEMO)/out/index.html              one page over all countries, in a browser"
	@echo "    $(DEMO)/out/types/                  a page per type of language"
	@echo "    $(DEMO)/out/languages/e/eng.txt     one of 7,900 cards"
	@echo "    $(DEMO)/pressrun.yaml               how it is made"

test:
	@scripts/install-packages build demo test
	@$(MAKE) release dev
	$(CTEST) build/dev
	@$(MAKE) clang asan tsan
	$(CTEST) build/asan $(BEHAVIOUR)
	$(TSAN_ENVIRONMENT) $(CTEST) build/tsan $(BEHAVIOUR)
	$(CTEST) build/release -L '^(golden|cli|example)$$'

soak: export PRESSRUN_SOAK = 1
soak:
	@scripts/install-packages build demo test
	@$(MAKE) release dev clang asan tsan
	$(CTEST) build/dev
	$(CTEST) build/clang
	$(CTEST) build/asan
	$(TSAN_ENVIRONMENT) $(CTEST) build/tsan
	$(CTEST) build/release

bench:
	@scripts/install-packages build demo test
	@$(MAKE) release
	@bench/run --pressrun $(PRESSRUN)

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build $(DEMO)/out
