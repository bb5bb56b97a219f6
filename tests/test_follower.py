"""The reader that follows a growing file: what it measures and how it ends."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from jarvis_lab.synthesis import follower
from jarvis_lab.synthesis.follower import Follower


def test_what_was_written_is_measured_as_it_stands_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_BLOCK", 5)
    monkeypatch.setattr(follower, "_SYNC_BYTES", 7)
    path = tmp_path / "rows"
    with open(path, "xb", buffering=0) as file, Follower(path) as eyes:
        for lines in (2, 0, 1, 300):
            file.write(b"some text\n" * lines)
            eyes.follow(lines, 10 * lines)
        meter = eyes.measured()
    content = path.read_bytes()
    assert (meter.bytes, meter.lines) == (len(content), 303)
    assert meter.sha256 == hashlib.sha256(content).hexdigest()


def test_bytes_behind_those_announced_are_read_when_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\ntwo\nthree\n")
    with Follower(path) as eyes:
        eyes.follow(1, 4)
        eyes.follow(2, 10)
        assert (eyes.measured().bytes, eyes.measured().lines) == (14, 3)


def test_a_file_longer_than_announced_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\ntwo\n")
    with Follower(path) as eyes:
        eyes.follow(1, 4)
        with pytest.raises(OSError, match="has 8 bytes where 4 were written"):
            eyes.measured()


def test_a_file_that_lost_bytes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\n")
    with Follower(path) as eyes:
        eyes.follow(1, 4)
        eyes.measured()
        eyes.follow(1, 4)
        with pytest.raises(OSError, match="ends at byte 4, where rows were written"):
            eyes.measured()


def interrupted(path: Path) -> None:
    path.write_bytes(b"one\n")
    with Follower(path) as eyes:
        eyes.follow(1, 4)
        raise KeyboardInterrupt


def test_its_thread_ends_with_the_block_even_after_an_error(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "rows")
    assert threading.active_count() == before
