# Everything works from a fresh clone: the first command makes the environment (a few minutes, once).
#   make VENV=path/to/venv ...   uses another environment; PYTHON=python3.12 makes .venv with another Python.

PYTHON ?= python3
VENV   ?= .venv
COLAB_PYTHON ?= python3.13
COLAB_VENV   ?= .venv-colab
PORT   ?= 8000
# Absolute, so that a recipe may change folder; paths may have spaces in them. READY is newer than what was installed from.
absolute = $(if $(filter /%,$(1)),$(1),$(CURDIR)/$(1))
space  := $(subst ,, )
BIN    := $(call absolute,$(VENV))/bin
READY  := $(subst $(space),\ ,$(VENV))/.course-ready
CHAPTERS = $(shell find book -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' | sort)
EXERCISES = $(wildcard exercises/instructor/*.ipynb)
# One tool chain, one answer: no hash order, and a progress bar never ends up in a log.
export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: help environment book serve test execute check-notebooks results gpu student release lint format adopt colab-check clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

environment: $(READY)  ## the Python environment, in .venv (the others make it when needed)

$(READY): $(wildcard requirements*.txt) pyproject.toml
	@test -x "$(BIN)/python" || { echo "Making the environment in $(VENV): a few minutes and about 6 GB, once."; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "The book's tools need Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }; \
	  test -e "$(VENV)" || $(PYTHON) -m venv "$(VENV)" || { rm -rf "$(VENV)"; exit 1; }; }
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-alone.txt
	@touch "$(VENV)/.course-ready"

# After a failure the page cache goes too: a page that is not read again would not warn again.
book: $(READY)  ## build the book; any warning is an error
	"$(BIN)/jupyter-book" build . --warningiserror --nitpick --keep-going || { rm -rf _build/.doctrees; exit 1; }
	@echo
	@echo "The book is built. Open  $(CURDIR)/_build/html/index.html  or run  make serve"

serve: book  ## build the book and serve it on http://localhost:8000 (PORT=...)
	"$(BIN)/python" -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

# One pytest run: unit tests, doctests, and every cell of every exercise and chapter on tiny inputs.
test: $(READY)  ## unit tests, doctests, exercises, and every chapter in smoke
	runs=$$(mktemp -d) && trap 'rm -rf "$$runs"' EXIT && \
	COURSE_RUNS=$$runs COURSE_PROFILE=smoke COURSE_STATIC=1 "$(BIN)/python" -m pytest tests course_lib $(EXERCISES) $(CHAPTERS) \
	  --nbval-lax --nbval-current-env --nbval-cell-timeout=300 $(PYTEST)

execute: $(READY)  ## run chapters and store their outputs: CHAPTER=denoising/dncnn, default all
	"$(BIN)/python" book/_tools/run_notebooks.py $(CHAPTER)

check-notebooks: $(READY)  ## run chapters in smoke, write nothing: CHAPTER=..., default all
	"$(BIN)/python" book/_tools/run_notebooks.py --check $(CHAPTER)

results: $(READY)  ## write book/results.md and its pictures from the stored reference runs
	"$(BIN)/python" -m course_lib.reference table --out book

gpu: $(READY)  ## check, time and train on this machine's GPU: MINUTES=10 OUT=gpu-report
	$(BIN)/python -m course_lib.reference gpu --minutes $(or $(MINUTES),10) --out "$(or $(OUT),gpu-report)" $(GPU)

student: $(READY)  ## make the students' exercise notebooks from the instructors'
	"$(BIN)/python" -m exercises.generate

release: $(READY)  ## copy everything but the solutions: DIR=../course-public
	"$(BIN)/python" -m exercises.release "$(DIR)"

lint: $(READY)  ## ruff: errors and format
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .

format: $(READY)  ## let ruff format and repair what it can
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

colab-check:  ## Colab's versions: the course moves none of them, and every chapter runs there (about 7 GB, once)
	@test -x "$(COLAB_VENV)/bin/python" || $(COLAB_PYTHON) -m venv "$(COLAB_VENV)" || { rm -rf "$(COLAB_VENV)"; exit 1; }
	tests/colab/check.sh "$(call absolute,$(COLAB_VENV))/bin/python"

# The students' notebooks hold checksums of their cells, so a new name means new notebooks where there are masters.
adopt:  ## make a fork your own: REPO=owner/name, default from git's remote origin
	$(PYTHON) book/_tools/adopt.py $(REPO)
	@test ! -d exercises/instructor || $(MAKE) --no-print-directory student

clean:  ## remove what was built; the environment stays
	rm -rf _build .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
