# Paths are relative, and tools run as `python -m`, so that the path of the project may contain spaces.
PYTHON ?= python3
VENV_PYTHON = .venv/bin/python

.PHONY: install development run test test-all test-fast test-slow test-database properties fault-injection faults check outdated bench screenshots lock

install:
	@$(PYTHON) scripts/install.py runtime

run: install
	@exec $(VENV_PYTHON) manage.py serve

development:
	@$(PYTHON) scripts/install.py development

# Let Python write compiled files, whatever the environment says: many tests start our programs, which would otherwise
# be compiled each time.
test test-all test-fast test-slow test-database: export PYTHONDONTWRITEBYTECODE =

# Fails if the tests run too few lines and branches of the program.
COVERAGE = -p tests.support.coverage_plugin

# ARGS are passed to pytest: make test ARGS=--durations=10
test: development
	$(VENV_PYTHON) -m pytest -m "not slow" $(COVERAGE) $(ARGS)

test-all: development
	$(VENV_PYTHON) -m pytest $(COVERAGE) $(ARGS)

test-fast: development
	$(VENV_PYTHON) -m pytest -m "not slow and not browser and not process" $(ARGS)

test-slow: development
	$(VENV_PYTHON) -m pytest -m slow $(ARGS)

# Tests that depend on the version of PostgreSQL, to run with HEALTHTRACK_PG_BIN=/usr/lib/postgresql/15/bin
DATABASE_TESTS = $(addprefix tests/, \
	healthtrack/test_tables.py healthtrack/test_migrations.py healthtrack/audit/test_triggers.py \
	healthtrack/imports/test_merging_and_comparing.py healthtrack/imports/test_undo.py \
	healthtrack/operations/test_database_roles.py \
	patients/test_link_counts.py patients/test_linking.py patients/test_linking_by_import.py reports/test_agreement.py)
test-database: development
	$(VENV_PYTHON) -m pytest $(DATABASE_TESTS) $(ARGS)

# The property tests of the reader and the imports, with ten times as many generated files as in `make test`, and others in
# each run.
properties: development
	$(VENV_PYTHON) -m pytest tests/healthtrack/imports tests/patients/test_life_of_records.py tests/readings -k "properties or life_of_records or mutated" --hypothesis-profile=thorough $(ARGS)

# Kill the database, workers and web servers for three minutes while people work; then check that nothing is lost.
fault-injection: development
	$(VENV_PYTHON) -m pytest -n0 tests/fault_injection/campaign.py $(ARGS)

# The earlier name, for one release.
faults: fault-injection

check: development
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy .
	$(VENV_PYTHON) -m djlint templates --lint --quiet
	$(VENV_PYTHON) .venv/bin/lint-imports --no-cache
	$(VENV_PYTHON) manage.py check --fail-level WARNING
	$(VENV_PYTHON) manage.py makemigrations --check --dry-run
	$(VENV_PYTHON) manage.py data_model --check
	$(VENV_PYTHON) manage.py settings_table --check
	$(VENV_PYTHON) scripts/audit.py requirements/development.txt
	$(VENV_PYTHON) -m scripts.postgresql_wheel

# Newer releases of the pinned packages and of the embedded PostgreSQL.
outdated: development
	@$(VENV_PYTHON) -m scripts.outdated

bench: development
	$(VENV_PYTHON) -m benchmarks $(ARGS)

screenshots: development
	$(VENV_PYTHON) -m scripts.screenshots $(ARGS)

# Pins stay unless pyproject.toml excludes them; make lock ARGS=--upgrade updates them. The output names the extras, so
# that pip installs their pinned versions even if there is a newer release.
COMPILE = $(VENV_PYTHON) -m uv pip compile pyproject.toml --universal --generate-hashes --no-strip-extras \
	--no-header --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links
lock: development
	$(COMPILE) $(ARGS) --output-file requirements/runtime.txt
	$(COMPILE) $(ARGS) --group dev --constraint requirements/runtime.txt --output-file requirements/development.txt
