# The documentation. `make html` makes an environment for it, if none is given:
# `make html PYTHON=<python with the group "docs">`. For a quick look at the text,
# `make html SPHINXOPTS="-D plot_gallery=0"` runs no example.
PYTHON ?= .venv-docs/bin/python
ENVIRONMENT = $(if $(filter .venv-docs/bin/python,$(PYTHON)),.venv-docs/made)
BUILD = docs/_build
SPHINX = $(PYTHON) -m sphinx -d $(BUILD)/doctrees $(SPHINXOPTS)

export MPLBACKEND = agg
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

html: $(ENVIRONMENT)
	$(SPHINX) -W --keep-going -b html docs $(BUILD)/html
	$(PYTHON) docs/check_site.py $(BUILD)/html

linkcheck: $(ENVIRONMENT)
	$(SPHINX) -b linkcheck -D plot_gallery=0 docs $(BUILD)/linkcheck

clean:
	rm -rf $(BUILD) docs/auto_examples docs/api/*.rst docs/api/examples

.venv-docs/made: pyproject.toml
	python3 -m venv .venv-docs
	.venv-docs/bin/python -m pip install -q -U pip
	.venv-docs/bin/python -m pip install -q -e . --group docs
	touch $@

.PHONY: html linkcheck clean
