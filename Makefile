# `make book` and `make test` need Python 3.10 or later and make, nothing else: what they use is
# installed into .venv on the first run, and a stamp makes the second run fast.

PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8000
BIN    := $(VENV)/bin

INSTALLED := $(VENV)/.installed
VENDORED  := web/vendor/.complete
MODULES   := web/vendor/.modules
NETWORKS  := web/vendor/.networks
BUILT     := _build/html/.complete

# everything that a page is made of
BOOK := _config.yml _toc.yml $(shell find book fertutor/widgets -type f -not -path '*/.*' \
          -not -path '*/__pycache__/*' 2>/dev/null) $(VENDORED) $(MODULES) $(NETWORKS)

.PHONY: help install book book-build chapters lab lint format test clean

help:
	@echo 'make install     install into .venv what the rest needs, which the rest does by itself'
	@echo 'make book        build the book, serve it and print its address (PORT=8000)'
	@echo 'make book-build  only build it, into _build/html'
	@echo 'make test        lint, build, and run every test and every cell of every chapter'
	@echo 'make lab         open the chapters in JupyterLab (LAB="--no-browser" and other options of it)'
	@echo 'make chapters    execute the chapters in place (CHAPTERS="book/attention.ipynb" for some)'
	@echo 'make lint        ruff and mypy; make format mends what can be mended'
	@echo 'make clean       remove what was made, but for .venv'

install: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'Python 3.10 or later is needed: make PYTHON=/path/to/python3.12 …' >&2; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo 'Installing into $(VENV): a few minutes the first time'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $@

$(VENDORED): web/vendor.py web/package.json web/package-lock.json $(INSTALLED)
	$(BIN)/python web/vendor.py
	@touch $@

# the widgets' front ends; what is made is committed, so that `pip install` needs no Node
$(MODULES): $(wildcard web/*.mjs web/build.py web/engine/* web/kernels/* web/src/*.css web/src/*.js) \
            fertutor/expressions.py $(VENDORED)
	$(BIN)/python web/build.py
	@touch $@

# the released networks and the drawn faces, as the pages compute with them
$(NETWORKS): web/networks.py $(VENDORED) fertutor/expressions.py \
             $(wildcard fertutor/weights/* fertutor/network/*.py fertutor/faces/drawn/*.py)
	$(BIN)/python web/networks.py
	@touch $@

# --all: a page whose warning stopped an earlier build must be read again; a failed build leaves nothing.
# The stamp is of the time when the build began: what is edited meanwhile is newer.
$(BUILT): $(BOOK)
	@mkdir -p _build && rm -f $@ && touch _build/.begun
	$(BIN)/jupyter-book build . --all --warningiserror --nitpick --keep-going --quiet || \
	  { rm -rf _build/html _build/.doctrees; exit 1; }
	@mv _build/.begun $@

book-build: $(BUILT)

book: $(BUILT)
	@$(BIN)/python book/serve.py --port $(PORT) _build/html

lab: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/jupyter lab $(LAB) book

CHAPTERS ?= $(wildcard book/*.ipynb)
chapters: $(INSTALLED)
	$(BIN)/python book/execute.py $(CHAPTERS)

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# on the processor everywhere, so that a GPU changes no number that is compared; then the tests of GPUs
test: lint $(BUILT)
	CUDA_VISIBLE_DEVICES= PYTORCH_NVML_BASED_CUDA_CHECK=1 $(BIN)/python -m pytest tests book --nbval \
	  --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout=300
	if command -v nvidia-smi >/dev/null 2>&1; then $(BIN)/python -m pytest -m gpu tests; fi

clean:
	rm -rf _build web/vendor web/node_modules web/src/expressions.json build dist *.egg-info
