# make run, make test: all that a fresh machine needs, with Python 3.11 or later and make on it.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
CORES ?= all
# uv installs in seconds; pip does the same where uv is not there.
INSTALL := $(if $(shell command -v uv),uv pip install --quiet --compile-bytecode --python "$(BIN)/python","$(BIN)/python" -m pip install --quiet --disable-pip-version-check)
# The plugins of Snakemake are distributions of their own.
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard engine/*/pyproject.toml))
PROJECTS := $(foreach plugin,$(PLUGINS),-e ./$(plugin)) -e '.[cluster]'
TESTED := $(foreach plugin,$(PLUGINS),-e './$(plugin)[test]') -e '.[cluster,test]'

export PATH := $(BIN):$(PATH)

.PHONY: run test test-engine test-peers test-slurm test-kill test-nulls test-cuts test-commands test-faults test-breadth test-fuzz test-browser check docs walkthrough site lock synth bench clean

run: $(VENV)/ready ## build every layer of the bundled sample (or of paths.raw_root)
	snakemake --cores $(CORES)
	@echo
	@echo "The layers are below data/ (docs/tables.md says what they hold); for example"
	@echo "  data/gold/features_by_symbol/exchange=NASDAQ/prefix=A/ticker=AAPL.US/part-000.parquet"
	@echo "and which tickers have bad data is in results/bronze_qa/problem_tickers.csv. Regimes, with"
	@echo "figures, are in results/hmm_runs/regimes_hmm_market and results/research_runs."
	@echo "Whether they mean anything is in results/validation_runs (of five tickers: nothing can be said)."
	@echo "Next: source $(VENV)/bin/activate && mf-etl --help"
	@echo "To look at it: open results/report/index.html"

# From 3.12 on Python itself tells which lines ran, at little cost; before, a tracer is called for each.
CORE = $(shell python -c 'import sys; print("ctrace" if sys.version_info < (3, 12) else "sysmon")')

test: check ## linters and types, then the tests
	COVERAGE_CORE=$(CORE) pytest -n auto --dist loadgroup --cov --cov-report=term-missing

N ?= 200

test-kill: $(VENV)/ready-to-test ## kill N builds at random moments and compare what the next run makes
	MF_ETL_TEST_KILLS=$(N) MF_ETL_TEST_KILL_LANES=4 pytest -n 4 -rA -m random tests/workflow/test_kills.py

test-nulls: $(VENV)/ready-to-test ## N markets in which labels tell nothing: how often something is found
	MF_ETL_TEST_NULLS=$(N) pytest -s tests/mf_etl/research/validation/test_nulls.py

test-fuzz: $(VENV)/ready-to-test ## N scripts made by chance that set process state, in warm workers
	WARM_TEST_FUZZ=$(N) pytest engine/snakemake-executor-plugin-warm/tests/test_fuzz.py

test-cuts: $(VENV)/ready-to-test ## the archive cut at N random days: what was known then stays as it was, bit for bit
	MF_ETL_TEST_CUTS=$(N) pytest -n auto -rA -m random tests/workflow/test_cuts.py

test-engine: $(VENV)/ready-to-test ## the warm executor, and its differences from Snakemake's own
	pytest -n auto --dist loadgroup engine

test-faults: $(VENV)/ready-to-test ## faults of machines, interrupts and hostile files in their breadth
	pytest -n auto --dist loadgroup -m faults

test-browser: $(VENV)/ready-to-test ## the pages in a real browser, from files and through mf-etl view
	pytest -rs -m browser tests/browser

test-breadth: $(VENV)/ready-to-test ## all cases of what `make test` tries in one or two
	pytest -n auto --dist loadgroup -m breadth

test-commands: $(VENV)/ready-to-test ## run every command line, by `mf-etl` and by `python -m mf_etl.cli`
	pytest -n auto --dist loadgroup -m commands

test-slurm: $(VENV)/ready-to-test ## a build through profiles/slurm on a real SLURM, which is brought up here
	pytest -rA -m slurm tests/slurm

test-peers: $(VENV)/ready-to-test ## hmmlearn's and scikit-learn's own suites with our classes in their place
	pytest -n auto -m peers tests/peers

check: $(VENV)/ready-to-test ## linters and types
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

docs: $(VENV)/ready ## write the generated documents anew
	python -m mf_etl.docs
	MF_ETL_PATHS__DATA_ROOT=build/nothing MF_ETL_PATHS__RESULTS_ROOT=build/nothing \
		snakemake --rulegraph | python -m mf_etl.rule_graph docs/images/rule_graph.svg

walkthrough: $(VENV)/ready-to-test ## run docs/walkthrough.md, and put what it prints below each command
	python -m tests.documents.walkthrough

site: $(VENV)/ready-to-test ## docs/ as a web site in build/site; a broken link is an error
	zensical build --clean --strict
	@echo "open build/site/index.html"

TICKERS ?= 1000
YEARS ?= 24
SEED ?= 1
OUT ?= synthetic

synth: $(VENV)/ready ## a synthetic archive: make synth TICKERS=100 YEARS=10 SEED=1 OUT=folder
	python -m mf_etl.synth --tickers $(TICKERS) --years $(YEARS) --seed $(SEED) --out $(OUT)

bench: $(VENV)/ready-to-test ## measure, and write docs/benchmarks.md
	python -m bench.layers
	python -m bench.engine
	python -m bench.chain
	python -m bench.dataset --tickers 8600
	python -m bench.clustering
	python -m bench.hmm
	python -m bench.validation
	python -m bench.verdicts

lock: $(VENV)/ready-to-test ## pin the newest versions that fit pyproject.toml
	$(INSTALL) uv
	uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11.0 --all-extras --output-file constraints.txt pyproject.toml $(PLUGINS:=/pyproject.toml)

$(VENV)/ready: pyproject.toml $(PLUGINS:=/pyproject.toml) constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mf_etl needs Python 3.11 or later; name one with make PYTHON=python3.12")'
	@test -x "$(BIN)/python" || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once)"
	@$(INSTALL) --constraint constraints.txt $(PROJECTS)
	@touch $@

# What only tests need is no part of a user's first minutes.
$(VENV)/ready-to-test: $(VENV)/ready
	@echo "Installing what tests need (once)"
	@$(INSTALL) --constraint constraints.txt $(TESTED)
	@touch $@

clean: ## remove everything that a build makes, not the environment
	rm -rf data results logs .snakemake
