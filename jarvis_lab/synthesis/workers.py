"""Worker processes that live as long as one export.

Each is a fresh interpreter that takes its work from a pipe and ends when the pipe does. So it
needs no ``if __name__ == "__main__"`` in a script, copies no threads of a notebook's kernel,
never sees the user's Ctrl-C, and does not outlive a parent that was killed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from jarvis_lab.synthesis import desk
from jarvis_lab.synthesis.course import Course

__all__ = ["Crew", "Draft"]

#: numpy's BLAS starts a thread per processor, each of which spins for a while; none is needed.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
T = TypeVar("T")
R = TypeVar("R", covariant=True)


class Draft(Protocol[R]):
    """What is made of an item before it is known where in a file it goes."""

    @property
    def size(self) -> int:
        """Bytes that it takes there."""

    def place(self, path: Path, offset: int) -> R:
        """Put it there."""


class Crew:
    """Calls functions on items in several processes, and gives the results in order.

    Parameters
    ----------
    workers
        Number of processes, this one included.
    """

    def __init__(self, workers: int) -> None:
        self._desk = desk.Desk()
        self._workers = [_Worker() for _ in range(workers - 1)]

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.stop()
        for worker in self._workers:
            worker.close()

    def stop(self) -> None:
        """End the other processes now; none of them writes anything any more."""
        for worker in self._workers:
            worker.kill()

    def share(self, value: object) -> None:
        """Give the ``value`` to the functions of later calls, in every process."""
        self._desk.shared = (value,)
        if self._workers:
            news = pickle.dumps(("share", self._desk.shared), protocol=pickle.HIGHEST_PROTOCOL)
            for worker in self._workers:
                worker.news = news

    def map(self, function: Callable[..., R], items: Iterable[T]) -> Generator[R, None, None]:
        """Give ``function(item, *shared)`` for each item, in order."""
        return self._run(function, items, None)

    def lay(
        self, function: Callable[..., Draft[R]], items: Iterable[T], sink: Path
    ) -> Generator[R, None, None]:
        """Have ``function(item, *shared)`` make a draft of each item, and put them into a file.

        Each goes behind that of the item before it, written by the process that made it. What
        ``place(sink, offset)`` returns is given in the order of the items.
        """
        return self._run(function, items, sink)

    def _run(
        self, function: Callable[..., Any], items: Iterable[T], sink: Path | None
    ) -> Generator[Any, None, None]:
        course = Course(items)
        threads = [
            threading.Thread(target=worker.work, args=(course, function, sink), daemon=True)
            for worker in self._workers
        ]
        try:
            for thread in threads:
                thread.start()
            for number in range(course.count):
                while step := course.next_step(self._desk.drafts, awaited=number):
                    course.did(step, self._desk.do(function, sink, step))
                yield course.take(number)
        except BaseException:
            self.stop()
            raise
        finally:
            course.stop()
            for thread in threads:
                if thread.is_alive():  # not when it was interrupted before it started
                    thread.join()


class _Worker:
    """One process and the pipes to it."""

    _pipes: tuple[IO[bytes] | None, ...] = ()

    def __init__(self) -> None:
        self.news = b""
        self._greeted = False
        path = [entry for entry in sys.path if isinstance(entry, str)]  # as imports take it
        start = f"import sys; sys.path[:] = {path!r}; from {desk.__name__} import serve; serve()"
        start += "; import os; os._exit(0)"  # nothing is left to tidy up, and somebody waits
        self._process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | _ONE_THREAD,
        )
        self._pipes = (self._process.stdin, self._process.stdout)

    def __del__(self) -> None:
        # When a crew is interrupted while it starts: a Popen that is forgotten keeps its pipes
        # open, and at the other end a process would wait for ever.
        self._close_pipes()

    def work(self, course: Course, function: Callable[..., Any], sink: Path | None) -> None:
        """Have the process do its part of the course."""
        held: set[int] = set()
        while step := course.next_step(held):
            if step.number >= 0:
                held.add(step.number)
            try:
                done = self._ask((function, sink, step))
            except Exception as error:  # noqa: BLE001 - whoever takes the result gets it
                course.failed(held, error)
                return
            held.difference_update(number for number, _ in done.results)
            course.did(step, done)

    def _ask(self, question: tuple[object, ...]) -> desk.Done:
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise RuntimeError("The worker process has no pipes.")
        sent = pickle.dumps(("do", question), protocol=pickle.HIGHEST_PROTOCOL)
        try:
            to.write(self.news)
            self.news = b""
            to.write(sent)
            to.flush()
            self._greeted = self._greeted or any(line == desk.HELLO for line in back)
            went_well, found = pickle.load(back)
        except (EOFError, OSError, ValueError):
            self.close()
            raise RuntimeError(
                f"A worker process ended early (exit status {self._process.returncode}). Nothing "
                "was exported. Try again with fewer workers."
            ) from None
        except Exception as error:
            self.close()
            raise RuntimeError(
                f"The answer of a worker process cannot be read: {error!r}. Nothing was exported. "
                "Try again with fewer workers."
            ) from error
        if not went_well:
            raise found
        done: desk.Done = found
        return done

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes, at which the process ends, and wait until it is gone."""
        self._close_pipes()
        self._process.wait()

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
