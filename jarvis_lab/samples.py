"""Where the generated sample lies."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sample_path"]


def sample_path(name: str = "traces.db") -> Path:
    """Path of a file or folder of the generated sample, from any working directory.

    Parameters
    ----------
    name : str
        ``traces.db`` (a trace store), ``lake`` (scored runs and evidence) or ``bench_results``
        (answers to review); ``data/README.md`` says what is in them.

    Returns
    -------
    Path
        The file or folder, absolute.

    Raises
    ------
    FileNotFoundError
        If it is not there: the sample comes with the repository, not with the installed package.

    Examples
    --------
    >>> sample_path("traces.db").name
    'traces.db'
    """
    folders = [Path(__file__).parent.parent, Path.cwd(), *Path.cwd().parents]
    for folder in folders:
        path = folder / "data" / name
        if (folder / "data" / "make_sample.py").is_file() and path.exists():
            return path.absolute()
    raise FileNotFoundError(
        f"The sample {name!r} was not found in a folder 'data' beside the package or above "
        f"{Path.cwd()}. It comes with the repository: clone that, or give a path of your own."
    )
