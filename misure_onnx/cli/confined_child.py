"""`python -m misure_onnx.cli.confined_child BYTES PARENT ARGUMENTS…`: limits first, then the command."""

import ctypes
import os
import resource
import signal
import sys

from misure_onnx.end_with_parent import end_with_parent

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of prctl(2)


def limit(memory: int, parent: int) -> None:
    """Limits this process, and ends it with its parent.

    Address space is limited, since that is what a process asks for before it fills it; libraries take some of it
    without using it. No file of core, and nothing that gains rights.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    end_with_parent()
    if os.getppid() != parent:  # it ended before it was listened to
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    limit(int(sys.argv[1]), int(sys.argv[2]))
    from misure_onnx.cli import main

    sys.exit(main(sys.argv[3:], inside=True))
