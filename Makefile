# Builds, tests, sets up and installs dockhost. `make help` lists what there is.
CC ?= cc
PKG_CONFIG ?= pkg-config
BUILD ?= build
PREFIX ?= /usr/local

PACKAGES := lua5.4 libwebsockets libcurl
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDENING ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS ?= -O2 -g
HOST_CFLAGS = -std=c11 -D_GNU_SOURCE -DDOCKHOST_VERSION='"$(VERSION)"' $(WARNINGS) $(HARDENING) \
  $(shell $(PKG_CONFIG) --cflags $(PACKAGES)) -pthread -MMD -MP
HOST_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -rdynamic
HOST_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -pthread -ldl -lm

SOURCES := $(wildcard host/*.c)
OBJECTS := $(SOURCES:host/%.c=$(BUILD)/%.o)

SETUP := packaging/setup
SCRIPTS := .ci/run packaging/completions/dockhost.bash spec/fuzz/run spec/support/alone image/build image/fingerprint image/instance-init image/seal packaging/deb packaging/container/build $(wildcard packaging/debian/dockhost.p*) \
  $(wildcard $(SETUP)/*)
# The tests use an image of their own name, whatever is configured or was pulled here.
TEST_IMAGE := dockhost-test/instance
NODE_MODULES := spec/node_modules/.package-lock.json
RUN_SUITES = BUILD=$(BUILD) DOCKHOST_TEST_IMAGE=$(TEST_IMAGE) $(SETUP)/suites

# One short line a command, unless V=1.
SHOW = $(if $(V),,@echo '  $(1) $@';)

.PHONY: build
build: $(BUILD)/dockhost $(BUILD)/host-lua ## Build the program (the default)

$(BUILD)/%.o: host/%.c | have-packages
	@mkdir -p $(@D)
	$(call SHOW,CC)$(CC) $(HOST_CFLAGS) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/dockhost: $(OBJECTS)
	$(call SHOW,LINK)$(CC) $(HOST_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(HOST_LIBS)

# The interpreter of spec/host: the same host, running the script that its first argument names.
$(BUILD)/host-lua.o: host/main.c | have-packages
	@mkdir -p $(@D)
	$(call SHOW,CC)$(CC) $(HOST_CFLAGS) $(CFLAGS) $(CPPFLAGS) -DHOST_LUA -c -o $@ $<

$(BUILD)/host-lua: $(filter-out $(BUILD)/main.o,$(OBJECTS)) $(BUILD)/host-lua.o
	$(call SHOW,LINK)$(CC) $(HOST_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(HOST_LIBS)

# A word of what to do, before the compiler says what it misses.
.PHONY: have-packages
have-packages:
	@$(PKG_CONFIG) --exists $(PACKAGES) && command -v $(CC) >/dev/null || \
	  { echo 'The packages that the build needs are missing. To install them: $(SETUP)/packages build' >&2; exit 1; }

-include $(wildcard $(BUILD)/*.d)

.PHONY: help
help: ## List the targets
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# Set-up and run

.PHONY: run
run: ## Install what is missing, build, see to Docker and the image, and run the worker
	@$(SETUP)/packages build
	@$(MAKE) --no-print-directory $(if $(V),,-s) build
	@$(SETUP)/docker
	@$(SETUP)/image
	@exec $(BUILD)/dockhost run

.PHONY: image
image: ## Build the instance image from this distribution's packages, without a registry
	@$(SETUP)/packages image
	@$(SETUP)/docker
	@image/build

# Tests

.PHONY: test
test: set-up-tests ## Run every test, with all set-up
	@$(SETUP)/packages fuzz browser podman packaging
	@$(MAKE) --no-print-directory fuzzer
	@$(RUN_SUITES) unit host integration faults browser podman packaging fuzz

.PHONY: unit
unit: ## Run the unit specs: plain Lua, no network, no Docker
	@$(SETUP)/packages unit
	@$(RUN_SUITES) unit

.PHONY: host-test
host-test: set-up-tests ## Run the specs of the C primitives
	@$(RUN_SUITES) host

.PHONY: integration
integration: set-up-tests ## Run the built program against real servers, Docker and ssh
	@$(RUN_SUITES) integration

.PHONY: faults
faults: set-up-tests ## Run the program against faulty networks, daemons and servers; ROUNDS=20 sweeps longer
	@ROUNDS=$(ROUNDS) $(RUN_SUITES) faults

.PHONY: browser
browser: set-up-tests ## Run the console in headless Chromium, with screenshots in build/browser
	@$(SETUP)/packages browser
	@$(RUN_SUITES) browser

.PHONY: packaging-test
packaging-test: set-up-tests ## Build the Debian package, lint it, and install, run, upgrade and purge it
	@$(SETUP)/packages packaging
	@$(RUN_SUITES) packaging

.PHONY: packaging-trial
packaging-trial: set-up-tests ## Run the package under a real systemd, in a container that may mount
	@$(SETUP)/packages packaging
	@$(RUN_SUITES) packaging_trial

.PHONY: podman
podman: set-up-tests ## Run the integration tests on Podman's service, root's and an unprivileged user's
	@$(SETUP)/packages podman
	@$(RUN_SUITES) podman_all

.PHONY: set-up-tests
set-up-tests:
	@$(SETUP)/packages test
	@$(MAKE) --no-print-directory build $(NODE_MODULES)
	@ENV_FILE=/dev/null $(SETUP)/docker
	@ENV_FILE=/dev/null $(SETUP)/image current $(TEST_IMAGE)

$(NODE_MODULES): spec/package-lock.json
	cd spec && npm ci --no-audit --no-fund
	@touch $@

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined
REPORT := $(CURDIR)/build/asan/report

.PHONY: sanitize
sanitize: ## Run all but the unit specs with address, leak and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=build/asan CFLAGS='$(SANITIZE)' HARDENING=-fPIE set-up-tests
	@rm -f $(REPORT).*
	@ASAN_OPTIONS=log_path=$(REPORT) UBSAN_OPTIONS=log_path=$(REPORT):print_stacktrace=1 \
	  BUILD=build/asan DOCKHOST_TEST_IMAGE=$(TEST_IMAGE) $(SETUP)/suites host integration faults; \
	  status=$$?; ! cat $(REPORT).* 2>/dev/null && exit $$status

VALGRIND := valgrind -q --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --error-exitcode=99 \
  --log-file=$(CURDIR)/build/valgrind/%p.log

.PHONY: valgrind
valgrind: set-up-tests ## Run the integration and fault tests under valgrind
	@$(SETUP)/packages valgrind
	@rm -rf build/valgrind && mkdir -p build/valgrind
	@DOCKHOST_WRAPPER='$(VALGRIND)' $(RUN_SUITES) integration faults; \
	  status=$$?; ! cat build/valgrind/*.log | grep . && exit $$status

# Measurements

BENCH_MODULES := bench/node_modules/.package-lock.json

.PHONY: bench
bench: set-up-tests $(BENCH_MODULES) ## Measure beside a Node agent and the raw Docker API; BENCH=start does one figure
	@DOCKHOST_BIN=$(CURDIR)/$(BUILD)/dockhost DOCKHOST_TEST_IMAGE=$(TEST_IMAGE) node bench/run.mjs $(BENCH)

$(BENCH_MODULES): bench/package-lock.json
	cd bench && npm ci --no-audit --no-fund
	@touch $@

.PHONY: soak
soak: set-up-tests ## Run under mixed faults for long (MINUTES=60 SEED=), and see that nothing grows
	@DOCKHOST_BIN=$(CURDIR)/$(BUILD)/dockhost DOCKHOST_TEST_IMAGE=$(TEST_IMAGE) $(if $(MINUTES),MINUTES=$(MINUTES)) $(if $(SEED),SEED=$(SEED)) \
	  node spec/soak/soak.mjs

FUZZ_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
SECONDS ?= 10

.PHONY: fuzz
fuzz: ## Fuzz every decoder and the path from frame to reply (FUZZ=json SECONDS=1800 INPUT=file)
	@$(SETUP)/packages fuzz
	@$(MAKE) --no-print-directory fuzzer
	@spec/fuzz/run $(SECONDS) $(if $(INPUT),$(FUZZ) '$(INPUT)',$(FUZZ))

.PHONY: fuzzer
fuzzer:
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang CFLAGS='$(FUZZ_CFLAGS)' HARDENING=-fPIE build/fuzz/fuzzer

$(BUILD)/spec-%.o: spec/fuzz/%.c | have-packages
	@mkdir -p $(@D)
	$(call SHOW,CC)$(CC) $(HOST_CFLAGS) -Ihost $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/fuzzer: $(filter-out $(BUILD)/main.o,$(OBJECTS)) $(BUILD)/spec-fuzz.o $(BUILD)/spec-peer.o $(BUILD)/spec-client.o
	$(call SHOW,LINK)$(CC) $(HOST_LDFLAGS) $(subst fuzzer-no-link,fuzzer,$(CFLAGS)) $(LDFLAGS) -o $@ $^ $(HOST_LIBS)

# Checks

.PHONY: lint
lint: ## Check formatting, warnings, scripts and the rockspec
	@$(SETUP)/packages lint
	clang-format --dry-run -Werror host/*.c host/*.h spec/fuzz/*.c spec/fuzz/*.h
	cppcheck --quiet --library=lua --std=c11 --enable=warning,performance,portability --inline-suppr --suppress=identicalInnerCondition \
	  --error-exitcode=1 host
	luacheck --quiet --config .luacheckrc host lib lua spec examples bench *.rockspec
	shellcheck --external-sources $(SCRIPTS)
	$(SETUP)/check-scripts
	$(MAKE) --no-print-directory BUILD=build/werror CFLAGS='-O2 -g -Werror' build
	! command -v clang >/dev/null || $(MAKE) --no-print-directory BUILD=build/clang CC=clang CFLAGS='-O2 -g -Werror' build
	luarocks --lua-version=5.4 lint dockhost-$(VERSION)-1.rockspec
	luarocks --lua-version=5.4 --tree=build/rock make --deps-mode=none dockhost-$(VERSION)-1.rockspec

# Installation

# Settings of a system's own installation are in /etc.
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
SHARE = $(DESTDIR)$(PREFIX)/share/dockhost
DOC = $(DESTDIR)$(PREFIX)/share/doc/dockhost
UNIT = $(if $(UNITDIR),$(DESTDIR)$(UNITDIR)/dockhost.service)
MAN = $(DESTDIR)$(PREFIX)/share/man/man1/dockhost.1
COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/dockhost $(DESTDIR)$(ZSHDIR)/_dockhost
SETTINGS_FILE = $(DESTDIR)$(SYSCONFDIR)/dockhost/dockhost.env
# What the specs of script authors need.
FAKES := $(addprefix spec/support/,node_support.lua script_files.lua) $(wildcard spec/support/fake_*.lua)
DOCUMENTS := README.md lua/README.md LICENSE $(wildcard packaging/*.md) \
  $(shell find examples packaging/prometheus packaging/grafana -type f)
# The unit and the settings name where things lie.
PLACED = sed -e 's|/etc/dockhost|$(SYSCONFDIR)/dockhost|g' -e 's|/usr/bin/|$(PREFIX)/bin/|g' -e 's|/usr/share/|$(PREFIX)/share/|g'

.PHONY: install
install: build ## Install under PREFIX (/usr/local), below DESTDIR; settings that are there already stay
	install -D -m 0755 $(BUILD)/dockhost $(DESTDIR)$(PREFIX)/bin/dockhost
	for file in host/boot.lua $$(find lib lua -type f -not -name '*.md') $(FAKES); do \
	  install -D -m 0644 $$file $(SHARE)/$$file || exit; \
	done
	for file in $(DOCUMENTS); do install -D -m 0644 $$file $(DOC)/$$file || exit; done
	install -D -m 0644 packaging/man/dockhost.1 $(MAN)
	install -D -m 0644 packaging/completions/dockhost.bash $(word 1,$(COMPLETIONS))
	install -D -m 0644 packaging/completions/_dockhost $(word 2,$(COMPLETIONS))
	$(if $(UNIT),mkdir -p $(dir $(UNIT)) && $(PLACED) packaging/systemd/dockhost.service >$(UNIT))
	mkdir -p $(dir $(SETTINGS_FILE))
	[ -e $(SETTINGS_FILE) ] || $(PLACED) packaging/dockhost.env >$(SETTINGS_FILE)

.PHONY: uninstall
uninstall: ## Remove what install put there, but for the settings; containers go on
	rm -f $(DESTDIR)$(PREFIX)/bin/dockhost $(UNIT) $(MAN) $(COMPLETIONS)
	rm -rf $(SHARE) $(DOC)

.PHONY: deb
deb: ## Build the Debian package, into build/deb
	@$(SETUP)/packages build deb
	@VERSION=$(or $(DEB_VERSION),$(VERSION)) packaging/deb

.PHONY: container
container: deb ## Build the node's own container image from the package, without a registry (NAME=dockhost)
	@$(SETUP)/packages image
	@packaging/container/build $(NAME)

# What the rockspec installs: the libraries, which need no host.
.PHONY: install-rock
install-rock:
	for file in $$(find lib/dockhost -name '*.lua' -not -path '*/types/*'); do \
	  install -D -m 0644 $$file $(LUADIR)/$${file#lib/} || exit; \
	done

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf build spec/node_modules bench/node_modules
