"""A progress bar costs nothing until the work has taken a while."""

import pandas as pd
import pytest

from jarvis_lab.readers import late_bar
from jarvis_lab.readers.late_bar import LateBar


@pytest.fixture
def made(monkeypatch):
    """The bars that were made, as real ones."""
    bars = []

    class Kept(late_bar.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(late_bar, "tqdm", Kept)
    return bars


def test_short_work_makes_no_bar(made):
    with LateBar(3, "reading") as bar:
        for _ in range(3):
            bar.update(1)
    assert made == []


def test_long_work_shows_what_is_done_so_far_and_closes_its_bar(made):
    with LateBar(4, "reading", delay=0.0) as bar:
        bar.update(1)
        (shown,) = made
        bar.update(0.5)
        assert (shown.n, shown.total, shown.desc) == (1.5, 4, "reading")
        assert not shown.disable
    assert shown.disable


def test_a_bar_that_comes_late_counts_from_the_beginning(made, monkeypatch):
    seconds = iter([0.0, 1.0, 5.0, 5.0])
    monkeypatch.setattr(late_bar.time, "monotonic", lambda: next(seconds))
    with LateBar(4, "reading") as bar:
        bar.update(1)
        assert made == []
        bar.update(1)
        (shown,) = made
    assert shown.n == 2
    assert shown.last_print_t - shown.start_t >= 4.5


def test_a_bar_that_was_turned_off_is_never_made(made):
    with LateBar(1, "reading", shown=False, delay=0.0) as bar:
        bar.update(1)
    assert made == []


def test_reading_a_frame_in_memory_makes_no_bar(made):
    from jarvis_lab import score_counts

    score_counts(pd.DataFrame({"query": ["hi"], "model": ["a"], "outcome": ["success"]}))
    assert made == []
