# Two commands matter: `make run` and `make test`. `make help` lists the rest.

export ENVIRONMENT = development
export PYTHONUTF8 = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

PYTHON_NAMES := python3 python3.13 python3.12 python3.11
IS_NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PORT ?= 9998
export PORT

PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py

.DEFAULT_GOAL := help
N ?=
SKIPPED = $(if $(SKIP),-k 'not ($(SKIP))')
ROWS ?=
.PHONY: types rules chaos faults-rabbitmq schemathesis help run demo test faults screenshots slow bench bench-all check stop reset logs install

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

run: .venv/installed ## Start everything, show one export, and serve on (PORT=9998)
	@exec $(MANAGE) up

demo: .venv/installed ## Start everything, show one export, and end
	@exec $(MANAGE) up --once

test: .venv/installed-test ## Run the tests (SKIP= WITHOUT=files or folders)
	$(PYTHON) -m pytest -n auto --dist loadfile $(SKIPPED) $(addprefix --ignore ,$(WITHOUT))

faults: .venv/installed-test ## Kill, stop, freeze and starve the service; takes minutes (SKIP=)
	$(PYTHON) -m pytest tests/faults -n 3 --maxschedchunk 2 -v -m 'slow or not slow' $(SKIPPED)  # more than processors: much of it waits

chaos: .venv/installed-test ## Three minutes of clients and breakage by a seeded order, then every check (SEED=1)
	$(PYTHON) -m tests.faults.chaos --seed $(or $(SEED),1)

faults-rabbitmq: .venv/installed-test ## The same with RabbitMQ in the place of the embedded broker (SKIP= ROWS=)
	FAULTS_BROKER=rabbitmq $(PYTHON) -m pytest tests/faults -n 2 -v -m 'slow or not slow' $(if $(ROWS),-k '$(ROWS)',$(SKIPPED))

screenshots: .venv/installed-test ## Take the pictures in docs/screenshots/ again (needs Chromium)
	$(PYTHON) -m pytest tests/browser/screenshots.py -n 0 -q

slow: .venv/installed-test ## Run the tests that take longer (SKIP=)
	$(PYTHON) -m pytest -m slow --ignore tests/faults -n 2 --dist loadfile $(SKIPPED)

schemathesis: .venv/installed-test ## The long run of schemathesis against a running service, with its counts
	$(PYTHON) -m pytest tests/api/test_schemathesis.py -m slow -n 0 -s

bench: .venv/installed-bench ## Measure the ratios that matter, in under 10 minutes (N=rows)
	$(PYTHON) -m benchmarks $(if $(N),--size $(N))

bench-all: .venv/installed-bench ## Measure all of them
	$(PYTHON) -m benchmarks --all $(if $(N),--size $(N))

plots: .venv/installed-test ## Draw how cost grows, into docs/plots (N=most rows)
	$(PYTHON) -m benchmarks.plots $(if $(N),--size $(N))

check: types rules ## Style, types, import rules, security, missing migrations, production settings

types: .venv/installed-test
	$(PYTHON) -m mypy

rules: .venv/installed-test
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --severity-level medium --confidence-level medium -r audit config consumption datafiles hypermedia jobs
	.ci/scan-secrets
	.ci/audit-dependencies
	$(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run  # without a database it warns
	env $(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

# Complete production settings, so that the deployment checks see what production would see. Nothing is contacted.
PRODUCTION = ENVIRONMENT=production \
	SECRET_KEY="$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	PUBLIC_URL=https://tallyport.example ALLOWED_HOSTS=tallyport.example \
	DATABASE_URL=postgresql://tallyport@db.example/tallyport CELERY_BROKER_URL=amqp://broker.example

stop: ## End what `make run` started, from another terminal
	@if [ -x $(PYTHON) ]; then exec $(MANAGE) stop; else echo 'Nothing runs here.'; fi

reset: .venv/installed ## Remove the database and everything else in var/ (asks; FORCE=1 does not)
	@exec $(MANAGE) reset $(if $(filter 1,$(FORCE)),--force)

logs: ## Follow the logs of what runs here
	@if ls var/log/*.log >/dev/null 2>&1; then exec tail -n 40 -F var/log/*.log; else echo 'There are no logs yet.'; fi

install: .venv/installed ## Create .venv and install what the service needs

.venv/installed: requirements.lock | $(PYTHON)
	$(PYTHON) -m pip install --quiet --require-hashes -r requirements.lock
	@touch $@

.venv/installed-test: requirements-test.lock | $(PYTHON)
	$(PYTHON) -m pip install --quiet --require-hashes -r requirements-test.lock
	@touch $@

# Rows whose other side cannot be had say so themselves.
.venv/installed-bench: requirements-bench.lock .venv/installed-test
	@if $(PYTHON) -m pip install --quiet --require-hashes -r requirements-bench.lock; then touch $@; fi

$(PYTHON):
	@for name in $(PYTHON_NAMES); do \
		if command -v $$name >/dev/null && $$name -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then \
			echo "$$name -m venv .venv"; exec $$name -m venv .venv; \
		fi; \
	done; \
	echo 'Python 3.11 or newer with its venv module is needed (on Debian: apt install python3-venv).' >&2; exit 1
