"""Every public object says what it takes, what it gives and how it is used."""

import inspect

import pytest
from public_names import public_methods, public_objects

numpydoc = pytest.importorskip("numpydoc.validate", reason="numpydoc is not installed")

PUBLIC = public_objects()
METHODS = [
    f"{name}.{method}"
    for name, value in PUBLIC.items()
    if inspect.isclass(value)
    for method in public_methods(value)
]

IGNORED = {
    "ES01",  # where one line says it all, there is no second one
    "RT02",  # what is returned has a name, which says more than its type
    "SS05",  # summaries may be nouns: it takes "Bias" for a verb
}
# The page of the class has them.
IGNORED_OF_METHODS = IGNORED | {"EX01", "SA01"}


def complaints(name, ignored):
    return [
        error for error in numpydoc.validate(name)["errors"] if error[0] not in ignored
    ]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_of_object(name):
    assert complaints(name, IGNORED) == []


@pytest.mark.parametrize("name", METHODS)
def test_docstring_of_method(name):
    assert complaints(name, IGNORED_OF_METHODS) == []
