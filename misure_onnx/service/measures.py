"""Numbers for Prometheus: requests as they pass, jobs as the database has them."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from misure_onnx.service.crew import Crew
from misure_onnx.service.job_queue import JobQueue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    """One set of numbers for one application.

    Args:
        queue: whose jobs are counted when somebody asks.
        crew: whose restarts are counted.
    """

    def __init__(self, queue: JobQueue, crew: Crew) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Jobs(queue, crew))
        labels = ("method", "route")
        self.requests = Counter(
            "misure_http_requests", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "misure_http_request_seconds", "Until the answer began", labels, buckets=_SECONDS, registry=self.registry
        )


class _Jobs(Collector):
    def __init__(self, queue: JobQueue, crew: Crew) -> None:
        self._queue, self._crew = queue, crew

    def collect(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("misure_jobs", "Jobs that are kept, by kind and state", labels=("kind", "state"))
        for labels, count in self._queue.counts().items():
            jobs.add_metric(labels, count)
        yield jobs
        workers = GaugeMetricFamily("misure_workers", "Worker processes that live")
        workers.add_metric((), len(self._crew.pids))
        yield workers
        restarts = CounterMetricFamily("misure_worker_deaths", "Worker processes that ended by themselves")
        restarts.add_metric((), self._crew.restarts)
        yield restarts


class Observed:
    """ASGI middleware that counts and times; routes by their patterns, so that there are few of them.

    Args:
        application: what is behind it.
        measures: where to.
    """

    def __init__(self, application: ASGIApp, measures: Measures) -> None:
        self._application, self._measures = application, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
                self._measures.requests.labels(method, route, message["status"]).inc()
                self._measures.seconds.labels(method, route).observe(time.perf_counter() - begun)
            await send(message)

        await self._application(scope, receive, sending)
