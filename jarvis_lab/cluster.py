"""A small Dask cluster on this machine, to try what a large one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jarvis_lab import _checks
from jarvis_lab._tasks import need_dask

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["local_client"]


def local_client(workers: int = 2, *, threads: int = 1) -> Client:
    """Start a Dask cluster of processes on this machine and connect to it.

    Parameters
    ----------
    workers : int
        Processes.
    threads : int
        Threads in each.

    Returns
    -------
    distributed.Client
        To be passed as ``client=``; ``dashboard_link`` is the address of the cluster's dashboard,
        which listens to this machine alone. Closed as a context or by ``close()``, it ends the
        cluster too. The client of a real cluster takes its place without another change:
        ``distributed.Client("tcp://scheduler:8786")``.

    Raises
    ------
    ImportError
        If Dask is not installed; the text names the extra to install.
    ValueError
        If there is not at least one worker and one thread.

    Notes
    -----
    The processes import the main module again, so in a script, unlike in a notebook, the call
    stands below ``if __name__ == "__main__":``.

    Examples
    --------
    >>> with local_client(workers=2) as client:  # doctest: +SKIP
    ...     counts = score_counts("traces/*.parquet", client=client)
    """
    _checks.whole("workers", workers, least=1)
    _checks.whole("threads", threads, least=1)
    need_dask()
    from distributed import Client

    return Client(
        n_workers=workers,
        threads_per_worker=threads,
        processes=True,
        # A free port: a fixed one would be a second user's warning.
        dashboard_address="127.0.0.1:0",
    )
