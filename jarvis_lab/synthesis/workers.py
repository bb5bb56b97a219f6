"""Worker processes that live as long as one export.

Each is a fresh interpreter that takes its work from a pipe and ends when the pipe does. So it
needs no ``if __name__ == "__main__"`` in a script, copies no threads of a notebook's kernel,
never sees the user's Ctrl-C, and does not outlive a parent that was killed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar

__all__ = ["Crew", "serve"]

#: numpy's BLAS starts a thread per processor, each of which spins for a while; none is needed.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
T = TypeVar("T")
R = TypeVar("R")


class Crew:
    """Calls functions on items in several processes, and gives the results in order.

    Parameters
    ----------
    workers
        Number of processes, this one included; with 1 it is alone.
    """

    def __init__(self, workers: int) -> None:
        self._workers = [_Worker() for _ in range(workers - 1)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers - 1) if self._workers else None

    @property
    def alone(self) -> bool:
        """Whether everything happens in this process."""
        return self._threads is None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.stop()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def stop(self) -> None:
        """End the other processes now; none of them writes anything any more."""
        for worker in self._workers:
            worker.kill()

    def share(self, *values: object) -> None:
        """Give every worker the ``values``, for the functions of later calls to receive."""
        for worker in self._workers:
            worker.ask(("share", values))

    def map(self, function: Callable[..., R], items: Iterable[T], *shared: object) -> Iterator[R]:
        """Give ``function(item, *shared)`` for each item, in order.

        The other processes use the values of the last :meth:`share`, which must equal
        ``shared``. This one takes an item whenever they have enough to do.
        """
        if self._threads is None:
            for item in items:
                yield function(item, *shared)
            return
        queued = deque(items)
        waiting: deque[Future[R]] = deque()
        while queued:
            item = queued.popleft()
            busy = sum(not future.done() for future in waiting)
            spare = len(queued) > 3 * len(self._workers)
            if busy < len(self._workers) * (1 + spare):
                waiting.append(self._threads.submit(self._call, function, item))
            else:
                waiting.append(_finished(function(item, *shared)))
            while waiting and waiting[0].done():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _call(self, function: Callable[..., R], item: object) -> R:
        worker = self._idle.get()
        try:
            found: R = worker.ask(("call", (function, item)))
            return found
        finally:
            self._idle.put(worker)


def _finished(result: R) -> Future[R]:
    future: Future[R] = Future()
    future.set_result(result)
    return future


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        start = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        start += "; import os; os._exit(0)"  # nothing is left to tidy up, and somebody waits
        self._process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | _ONE_THREAD,
        )

    def ask(self, message: tuple[str, tuple[object, ...]]) -> Any:
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise RuntimeError("The worker process has no pipes.")
        try:
            pickle.dump(message, to, protocol=pickle.HIGHEST_PROTOCOL)
            to.flush()
            done, result = pickle.load(back)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise RuntimeError(
                f"A worker process ended early (exit status {self._process.wait()}). Nothing was "
                "exported. Try again with fewer workers."
            ) from None
        if not done:
            raise result
        return result

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes, at which the process ends, and wait until it is gone."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()


def serve() -> None:
    """Answer the questions on standard input until it ends; what workers run."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    shared: tuple[object, ...] = ()
    while True:
        try:
            verb, values = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if verb == "share":
            shared, values = values, (tuple, ())
        reply = _reply(values[0], values[1], shared if verb == "call" else ())
        try:
            _send(reply, answers)
        except BrokenPipeError:
            return


def _reply(
    function: Callable[..., object], item: object, shared: tuple[object, ...]
) -> tuple[bool, object]:
    try:
        return True, function(item, *shared)
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        return False, error


def _send(reply: tuple[bool, object], answers: BinaryIO) -> None:
    try:
        content = pickle.dumps(reply, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - the parent waits for an answer
        failure = RuntimeError(f"A worker's answer could not be sent: {error!r}")
        content = pickle.dumps((False, failure))
    answers.write(content)
    answers.flush()
