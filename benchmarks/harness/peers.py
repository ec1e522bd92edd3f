"""Other packages, which may be absent: a table then says so."""

import importlib
import importlib.util
import shutil
import subprocess
from functools import cache


def absence(name):
    """Why the Python package ``name`` cannot be used, or None if it can."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return f"absent: {error}"
    return None


@cache
def flexmix_absence():
    """Why flexmix cannot be used, or None if it can."""
    if shutil.which("Rscript") is None:
        return "absent: no Rscript on the path"
    command = ["Rscript", "-e", 'cat(as.character(packageVersion("flexmix")))']
    run = subprocess.run(command, capture_output=True, text=True)
    return None if run.returncode == 0 else "absent: R has no flexmix"


@cache
def flexmix_version():
    """Versions of R and flexmix."""
    code = 'cat(R.version.string, "flexmix", as.character(packageVersion("flexmix")))'
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    return run.stdout
