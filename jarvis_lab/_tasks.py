"""Tasks on threads of this process or on a Dask cluster, and their results in order.

A cluster is known by its client alone, by what it can do, so that nothing here imports Dask.
"""

from __future__ import annotations

import collections
import contextlib
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

__all__ = [
    "Cluster",
    "Handle",
    "LostTaskError",
    "Tasks",
    "Threads",
    "ahead",
    "need_dask",
    "own_client",
]

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
_MOST_SUBMITTED_BEFORE_ASKING = 64


class LostTaskError(RuntimeError):
    """A cluster could not finish a task: the workers that took it ended, or it was cancelled."""


class Handle(Protocol[R_co]):
    """A task that was submitted."""

    def result(self) -> R_co:
        """What it returned, or raise what it raised."""


class Tasks(Protocol):
    """Where tasks are run."""

    @property
    def ahead(self) -> int:
        """How many tasks are worth submitting before the result of the first is taken."""

    def submit(self, what: str, task: Callable[..., T], *arguments: object) -> Handle[T]:
        """Run ``task(*arguments)``; ``what`` names in errors what it works on."""


class Threads:
    """Threads of this process; with one worker, the caller's own.

    A task gets, after its arguments, a ``stop`` event; it is set when nobody wants the result.
    """

    def __init__(self, workers: int) -> None:
        self.ahead = 0 if workers == 1 else 4 * workers
        self._stop = threading.Event()
        self._pool = None
        if workers > 1:
            self._pool = ThreadPoolExecutor(workers, thread_name_prefix="jarvis-lab")

    def submit(self, what: str, task: Callable[..., T], *arguments: object) -> Future[T]:
        """Run ``task(*arguments, stop)``."""
        del what
        if self._pool is not None:
            return self._pool.submit(task, *arguments, self._stop)
        done: Future[T] = Future()
        try:
            done.set_result(task(*arguments, self._stop))
        except Exception as error:  # noqa: BLE001 - raised in its turn
            done.set_exception(error)
        return done

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class Cluster:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    name
        What the cluster's dashboard calls the tasks.
    per_thread
        How many tasks to have on the way for each thread of the cluster.
    """

    def __init__(self, client: object, name: str, *, per_thread: int = 4) -> None:
        self._client = own_client(client)
        self._name, self._per_thread = f"{name}-{uuid.uuid4().hex[:12]}", per_thread
        self._open: dict[int, Any] = {}
        self._kept: Any = None
        self._submitted = self._threads = 0

    @property
    def ahead(self) -> int:
        """So many tasks that no worker waits; asked again now and then, as workers come and go."""
        if self._submitted % _MOST_SUBMITTED_BEFORE_ASKING == 0:
            self._threads = sum(self._client.nthreads().values())
        return self._per_thread * max(self._threads, 2)

    def submit(self, what: str, task: Callable[..., T], *arguments: object) -> Handle[T]:
        """Run ``task(*arguments)`` on a worker, on another one if that ends."""
        place = self._submitted
        self._submitted += 1

        def send(attempt: int) -> Any:
            key = (self._name, place, attempt)
            return self._client.submit(task, *arguments, key=key, pure=False)

        return _ClusterTask(send, what, self._open, place)

    def compute(self, whats: Sequence[str], tasks: Sequence[Any]) -> Iterator[Handle[Any]]:
        """Run Dask's own delayed calls; ``whats`` names in errors what each works on."""
        futures = self._client.compute(list(tasks))
        self._open.update(enumerate(futures))
        for place, what in enumerate(whats):

            def send(attempt: int, place: int = place) -> Any:
                return self._client.compute(tasks[place]) if attempt else futures[place]

            yield _ClusterTask(send, what, self._open, place)

    def keep(self, value: T) -> T:
        """Put the one value that all tasks share on the cluster, to stand for itself.

        It is made by a task, so that it comes back when the worker that holds it ends.
        """
        if self._kept is None:
            with warnings.catch_warnings():  # that it is large, which is why it is sent once
                warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
                self._kept = self._client.submit(_itself, value, key=f"{self._name}-shared")
        kept: T = self._kept
        return kept

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        futures = list(self._open.values())
        if futures:
            futures += [] if self._kept is None else [self._kept]
            with contextlib.suppress(Exception):  # of a cluster that is no longer there
                self._client.cancel(futures)
        self._open.clear()
        self._kept = None


class _ClusterTask(Generic[T]):
    """A task that is sent again if it was lost: it may only have waited beside the guilty one."""

    def __init__(
        self, send: Callable[[int], Any], what: str, unfinished: dict[int, Any], place: int
    ) -> None:
        self._send, self._what = send, what
        self._unfinished, self._place = unfinished, place
        unfinished[place] = send(0)

    def result(self) -> T:
        try:
            found = self._taken()
        except LostTaskError:
            self._unfinished[self._place] = self._send(1)
            found = self._taken()
        # The cluster keeps a result as long as somebody holds its future.
        del self._unfinished[self._place]
        return found

    def _taken(self) -> T:
        try:
            found: T = self._unfinished[self._place].result()
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{self._what}: a worker of the cluster does not see it ({error}). All workers "
                "must see the files under the same absolute path, on a file system they share."
            ) from error
        except Exception as error:
            reason = _lost(error)
            if reason is None:
                raise
            raise LostTaskError(f"{self._what}: {reason}") from error
        return found


def _itself(value: T) -> T:
    return value


def _lost(error: Exception) -> str | None:
    """Why the cluster has no result, if it is the cluster's doing."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "KilledWorker" in kinds:
        return (
            "each worker that took it ended, so the cluster gave it up. Is it larger than a "
            "worker's memory, or damaged so that a library crashes? The workers' logs tell."
        )
    if "CancelledError" in kinds:
        return (
            "the cluster dropped it before it was done. Was the scheduler restarted or the client "
            "closed? Run it again."
        )
    return None


def own_client(client: object) -> Any:
    """The client itself, if it is one that can be waited for.

    Raises
    ------
    TypeError
        If it is an address, a cluster, or something else.
    ImportError
        If it is an address and Dask is not installed.
    """
    if isinstance(client, str):
        need_dask()
        raise TypeError(
            f"client={client!r} is an address: pass distributed.Client({client!r}), which stays "
            "connected for the next calls."
        )
    if not all(callable(getattr(client, name, None)) for name in ("submit", "cancel", "nthreads")):
        hint = " Pass its get_client()." if hasattr(client, "get_client") else ""
        raise TypeError(f"client must be a distributed.Client, not {type(client).__name__}.{hint}")
    if getattr(client, "asynchronous", False):
        raise TypeError(
            "client is asynchronous, and the result would have to be awaited: pass a "
            "distributed.Client made without asynchronous=True."
        )
    return client


def need_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise ImportError(
            "Work on a cluster needs Dask, which is not installed: pip install "
            "'jarvis-lab[cluster]'."
        ) from None


def ahead(handles: Iterable[T], most: Callable[[], int]) -> Iterator[T]:
    """Give the handles in order, having asked for the next few already.

    What is raised in asking comes after the handles before it, as if nothing ran ahead.
    """
    waiting: collections.deque[T] = collections.deque()
    asked = iter(handles)
    failure: Exception | None = None
    more = True
    while more or waiting:
        while more and (not waiting or len(waiting) <= most()):
            try:
                waiting.append(next(asked))
            except StopIteration:
                more = False
            except Exception as error:  # noqa: BLE001 - raised in its turn
                more, failure = False, error
        if waiting:
            yield waiting.popleft()
    if failure is not None:
        raise failure
