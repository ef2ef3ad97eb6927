"""Options that every session of ONNX Runtime gets here."""

import onnxruntime as ort

from misure_onnx.processors import usable_cores

SILENT = 4
"""ONNX Runtime's log severity "fatal"; its errors reach us as exceptions."""


def session_options(threads: int | None = None) -> ort.SessionOptions:
    """Quiet, and idle between runs.

    Threads of a session that has just run keep their processors busy for a while, waiting for its next run: on two
    processors two sessions that take turns (the deployed model and its gradient graph) took twice as long.

    Args:
        threads: of ONNX Runtime; None: the processors this process may use.
    """
    options = ort.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = threads or usable_cores()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options
