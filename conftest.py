"""What of the package has examples that old versions cannot run."""

from skmoe._sklearn_compat import HAS_CALLBACKS

# Scikit-learn has callbacks from 1.9 on.
collect_ignore = [] if HAS_CALLBACKS else ["skmoe/_checkpoint.py"]
