"""Memory of this process, as the kernel counts it.

``getrusage`` will not do for the peak of a child: what the parent held when it started
the child counts there, too.
"""

import re
from pathlib import Path

MEGABYTE = 1e6


def resident():
    """Bytes that are in memory now."""
    return _status("VmRSS")


def peak():
    """The most bytes that were, since the start or :func:`forget_peak`."""
    return _status("VmHWM")


def forget_peak():
    """Set the high water mark back to what is in memory now."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(key):
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{key}:\s+(\d+) kB", text)[1])
