"""What was asked of a server, counted."""

import dataclasses
import threading

from misure_onnx.segmenter import Traffic


class Meter:
    """Counts from several threads; bytes are those of the bodies of requests and answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traffic = Traffic()

    def asked(self, sent: int, received: int, seconds: float) -> None:
        """One request, whatever its answer."""
        with self._lock:
            old = self._traffic
            self._traffic = dataclasses.replace(
                old,
                requests=old.requests + 1,
                bytes_sent=old.bytes_sent + sent,
                bytes_received=old.bytes_received + received,
                seconds=old.seconds + seconds,
            )

    def repeated(self) -> None:
        """A request is asked again."""
        with self._lock:
            self._traffic = dataclasses.replace(self._traffic, repeated=self._traffic.repeated + 1)

    @property
    def traffic(self) -> Traffic:
        """Up to now."""
        with self._lock:
            return self._traffic
