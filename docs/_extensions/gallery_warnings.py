"""In the gallery, warnings are errors, as they are in the tests."""

import warnings


def as_errors(gallery_conf, filename):
    """Called before each example, in the process that runs it."""
    warnings.simplefilter("error")
    # The figures go to the page instead.
    warnings.filterwarnings("ignore", message=".*non-interactive")
