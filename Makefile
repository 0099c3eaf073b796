# make run | classroom | reset | test | oldest | fuzz | bench | load | lint | golden      (everything else is a step of these)

VENV     ?= .venv
PY       := $(VENV)/bin/python
DEMO     := .data/karst_demo
SIBLINGS := .data/karst_fly .data/karst_v1dd
DATA     ?= $(DEMO) $(SIBLINGS)
HOST     ?= 127.0.0.1
PORT     ?= 8050
LOCALCAVE_PORT ?= 9100
export HOST PORT LOCALCAVE_PORT

.PHONY: run classroom reset test oldest fuzz coverage bench load lint golden demo lock clean docs audit screenshots

# The demo is made only where it is served: not for a CAVE elsewhere, nor for other folders in DATA.
run: $(VENV)/.run $(if $(CAVE_SERVER_ADDRESS),,$(if $(filter $(DEMO),$(DATA)),demo))
	@bin/run $(DATA)

# As run, for everybody in the same network.
classroom: HOST = 0.0.0.0
classroom: run

# Forget what was saved on the localcave that runs, with the HOST that it was started with.
reset:
	@$(PY) -m localcave reset --host $(HOST) --port $(LOCALCAVE_PORT)

# In the order of the folders: files with the fewest tests, which are the slowest, would else come last and alone.
test: $(VENV)/.dev lint
	@bin/need chromium redis-server nginx
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The notebooks of the tests with the oldest caveclient that works, in an environment of its own; not part of `make test`.
OLDEST_CAVECLIENT := 7.7.0
oldest: $(VENV)/.dev
	@bin/venv .data/oldest
	.data/oldest/bin/python -m pip install --quiet caveclient==$(OLDEST_CAVECLIENT) \
		$(shell grep -E '^(cloud-volume|nglui|pandas)==' requirements.txt)
	KARST_NOTEBOOK_PYTHON=.data/oldest/bin/python $(PY) -m pytest tests/notebooks

# How much of the code the tests without a browser run; fails below the floor in pyproject.toml.
coverage: $(VENV)/.dev
	@bin/need redis-server nginx
	$(PY) -m pytest -n 2 --dist loadfile -m "not browser" --cov --cov-report=term:skip-covered

# The same properties as in the tests, with 100,000 cases that are others each time.
fuzz: $(VENV)/.dev
	KARST_FUZZ_TIMES=50 $(PY) -m pytest tests/fuzz

# PEERS=1 installs the programs that Karst is measured against, into an environment of their own, and measures them too.
bench: $(VENV)/.dev
	@bin/need chromium
	PEERS=$(PEERS) $(PY) -m benchmarks

# Many people at once, who look at each page for THINK seconds.
PEOPLE  ?= 50
THINK   ?= 10
MINUTES ?= 3
load: $(VENV)/.dev demo
	@bin/need chromium
	$(PY) -m benchmarks.load $(DEMO) --people $(PEOPLE) --think-s $(THINK) --minutes $(MINUTES)

# The documentation as a site in .data/site. What builds it shares nothing with Karst, so it has an environment of its own.
docs:
	@bin/venv .data/docs
	.data/docs/bin/python -m pip install --quiet -r requirements-docs.txt
	.data/docs/bin/mkdocs build --quiet

# What Karst is made of (CycloneDX, in .data/sbom.json: needs no network but for the tool), and then which of it has known
# vulnerabilities, which PyPI is asked for. Elsewhere the file can be handed to any scanner.
audit:
	@bin/venv .data/audit
	.data/audit/bin/python -m pip install --quiet -r requirements-audit.txt
	.data/audit/bin/cyclonedx-py requirements --output-file .data/sbom.json requirements.lock
	.data/audit/bin/pip-audit --no-deps --disable-pip --strict -r requirements.lock

# Every page in both themes, at four sizes, empty, loaded and failing, in .data/screenshots; ONLY=cell those with that name.
screenshots: $(VENV)/.dev
	@bin/need chromium
	$(PY) -m tests.screenshots .data/screenshots $(ONLY)

# The subjects of commits as well, where there is a history: of those written after 30 November 2026, 15:00 (1796050800).
lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy -n 2 .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/lint-imports .ci/components.toml
	$(VENV)/bin/oxlint
	@git --git-dir=.git log --no-merges --format='%at %s' 2>/dev/null | awk '$$1 > 1796050800 && length > 11 + 71 \
		{ print "subject of 72 characters or more: " substr($$0, 12); long = 1 } END { exit long }'

demo: $(VENV)/.run
	@$(PY) -m localcave demo $(DEMO)
	@$(PY) -m localcave demo --like flywire
	@$(PY) -m localcave demo --like v1dd

golden: PORT = 9200
golden: $(VENV)/.run
	$(PY) -m localcave.golden tests/contract/golden --port $(PORT)

$(VENV)/.run: requirements.txt requirements.lock
	@bin/venv $(VENV)
	@bin/install $(PY) requirements.txt
	@touch $@

# The requirements of .run are among these.
$(VENV)/.dev: requirements.txt requirements-dev.txt requirements.lock
	@bin/venv $(VENV)
	@bin/install $(PY) requirements-dev.txt
	@touch $(VENV)/.run $@

# The versions of everything that requirements*.txt bring along, from an environment that holds nothing else.
lock:
	rm -rf .data/lock && bin/venv .data/lock
	.data/lock/bin/python -m pip install --quiet -r requirements-dev.txt
	.data/lock/bin/python -m pip freeze --exclude pip --exclude setuptools > requirements.lock
	rm -rf .data/lock

clean:
	rm -rf $(VENV) .data
