"""How many processors this process may use."""

import os
from pathlib import Path

THREADS = "MISURE_THREADS"
"""Environment variable: no more processors than this. Workers on one machine share them that way."""


def usable_cores() -> int:
    """The processors this process may use, by its affinity, its control group's quota, and `MISURE_THREADS`."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get(THREADS, "")
    if wanted.isdecimal():
        allowed = max(1, min(allowed, int(wanted)))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):
        return allowed
