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
    with open(path, "xb") as file, Follower(file) as eyes:
        for lines in (2, 0, 1, 300):
            file.write(b"some text\n" * lines)
            eyes.follow(lines)
        meter = eyes.measured()
    content = path.read_bytes()
    assert (meter.bytes, meter.lines) == (len(content), 303)
    assert meter.sha256 == hashlib.sha256(content).hexdigest()


def test_bytes_that_nobody_announced_are_left_alone(tmp_path: Path) -> None:
    with open(tmp_path / "rows", "xb") as file, Follower(file) as eyes:
        file.write(b"one\n")
        eyes.follow(1)
        assert eyes.measured().bytes == 4
        file.write(b"two\n")
        file.flush()
        assert eyes.measured().bytes == 4


def test_a_file_that_lost_bytes_is_an_error(tmp_path: Path) -> None:
    with open(tmp_path / "rows", "xb") as file, Follower(file) as eyes:
        file.write(b"one\n")
        eyes.follow(1)
        eyes.measured()
        file.truncate(2)
        eyes.follow(0)
        with pytest.raises(OSError, match="shorter"):
            eyes.measured()


def interrupted(path: Path) -> None:
    with open(path, "xb") as file, Follower(file) as eyes:
        file.write(b"one\n")
        eyes.follow(1)
        raise KeyboardInterrupt


def test_its_thread_ends_with_the_block_even_after_an_error(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "rows")
    assert threading.active_count() == before
