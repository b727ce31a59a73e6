# The verbs of this repository. `make test` is the whole judgement; CI runs it and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .bench/.ready
SECONDS ?= 60
SIZES ?= 1 10 100 500
MUTANTS ?= 1000
SEED ?= 1
DAILY ?= 10
MANY ?= 300
UNIT := analysis hcl model patches policyfile reports rotation rules scenarios terraform

.PHONY: help demo test lint types imports unit acceptance browser servers format bench mutate matrix year coverage fuzz docs site hashes dist formula owner clean

help: ## Show these verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

$(READY): pyproject.toml constraints.txt hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit("tfcert needs Python 3.11 or later; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[comment,demo,dev,fleet]'
	$(BIN)/python -m compileall -q checker
	@touch $@

demo: $(READY) ## Tell the whole story on an embedded AWS
	@$(BIN)/tfcert demo

test: lint types imports browser servers ## Everything: checkers, then all tests, the acceptance tests included
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

imports: $(READY) ## The layers, by import-linter
	$(BIN)/lint-imports

# The suites of these folders run tfcert in the test process or in a fork of it; `outside` marks the few tests that do more.
unit: $(READY) ## The tests that start no browser, no server, no installation and no terraform
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not outside' $(UNIT:%=tests/%) tests/test_house.py tests/test_remedies.py

acceptance: $(READY) ## The tests with the real terraform or tofu
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/acceptance

# As root on Debian, which CI is, chromium is installed by name; elsewhere the tests of the page say at the end that they did not run.
browser: ## Debian's chromium for the tests of the page, where none is at hand and it may be installed
	@for name in "$$TFCERT_CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable; do \
	  if test -n "$$name" && command -v "$$name" >/dev/null; then exit 0; fi; done; \
	if test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null; then \
	  echo "no chromium, and it cannot be installed from here: the tests of the page will not run" >&2; exit 0; fi; \
	echo "no chromium: installing Debian's"; export DEBIAN_FRONTEND=noninteractive; \
	if timeout 180 apt-get update -qq && timeout 420 apt-get install -qq -y --no-install-recommends chromium >/dev/null; then exit 0; fi; \
	echo "chromium could not be installed: the tests of the page will not run" >&2; test -z "$$CI"

servers: $(READY) ## The TLS servers that tests run, unpacked into .servers; nothing is installed or started
	@$(BIN)/python tests/servers/unpack.py

format: $(READY) ## Format the code, then mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) $(PEERS) ## The ratios that performance claims rest on; SIZES="1 10" leaves out the quarter of an hour of 100 MB
	$(BIN)/python -m compileall -q checker
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/big_tree.py
	$(BIN)/python benchmarks/aws.py
	$(BIN)/python benchmarks/many_stages.py
	$(BIN)/python benchmarks/many_scopes.py
	$(BIN)/python benchmarks/fleet.py
	$(BIN)/python benchmarks/fleet_spread.py
	$(BIN)/python benchmarks/patches.py
	$(BIN)/python benchmarks/against.py $(SIZES)

# mutmut's own temporary copy is in mutants/, which it keeps for the next run.
mutate: $(READY) ## Change the code at random and see whether a fast test fails; MUTANTS=1000 SEED=1
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[comment,demo,dev,fleet,mutate]'
	$(BIN)/python benchmarks/mutate.py $(MUTANTS) $(SEED)

$(PEERS): benchmarks/requirements.txt
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	@touch $@

# Three runs of all acceptance tests and two of the fast tests: three quarters of an hour. MATRIX=all has five more versions of Terraform.
matrix: $(READY) ## The tests on older and newer Terraform, and with the lowest and newest packages; MATRIX="lowest"
	$(BIN)/python tests/matrix.py $(MATRIX)

coverage: $(READY) ## All tests, and how many branches they reach: at least 95 %, child processes included
	rm -rf .coverage && mkdir .coverage
	$(BIN)/coverage run tests/measured.py -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing --sort=cover

# `make test` fuzzes each target for a minute. What reaches new code is kept in .fuzz for the next run.
fuzz: $(READY) ## Fuzz the readers, the edits, policies and the bot's inputs for SECONDS each; TARGETS="edits bot"
	$(BIN)/python tests/fuzz/fuzz_run.py $(SECONDS) $(TARGETS)

# The tests take a sample of each. DAILY=10 MANY=300 SEED=1 choose the year.
year: $(READY) ## A year of `tfcert propose` on 310 repositories, a kill at each call, and 500 orders of two runs
	PYTHONPATH=tests:tests/forges:tests/propose $(BIN)/python tests/propose/year.py $(DAILY) $(MANY) $(SEED)
	TFCERT_YEAR=1 $(BIN)/python -m pytest tests/propose/test_killed_and_together.py

docs: $(READY) ## Write docs/rules from the rules' docstrings, and the policy's schema from its shapes
	$(BIN)/tfcert rules --out docs/rules
	TFCERT_RECORD=1 $(BIN)/python -m pytest -q tests/policyfile/test_policy_schema.py

site: $(READY) ## The documentation as a site with search, in .site; open .site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Names, versions and hashes; where they come from is the machine's own setting.
hashes: $(READY) ## Write hashes.txt, what `pip install --require-hashes` accepts for tfcert and its extras, and hashes-build.txt
	$(BIN)/uv pip compile pyproject.toml --extra comment --extra fleet --extra formats --constraint constraints.txt \
	  --universal --generate-hashes --no-header --no-annotate --quiet --output-file hashes.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	| $(BIN)/uv pip compile - --constraint constraints.txt \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --output-file hashes-build.txt

dist: ## Build the wheel and the sdist into dist/, with the tools of hashes-build.txt
	rm -rf build/tools dist
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement hashes-build.txt
	env -u SOURCE_DATE_EPOCH build/tools/bin/python -m hatchling build --directory dist

formula: ## Print a formula of Homebrew for the sdist in dist/
	@$(PYTHON) release/formula.py

owner: ## Write the owner of the repository into each file that names it: make owner OWNER=acme
	@$(PYTHON) release/owner.py "$$OWNER"

clean: ## Remove what was installed here
	rm -rf $(VENV) .bench .coverage .fuzz .matrix .servers .site
