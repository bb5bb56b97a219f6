"""The two ways in which a review folder is written: a line appended, a file published once."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from jarvis_lab._files import append_durably, append_line, make_folder, publish_once


def test_a_line_is_appended_to_a_file_of_the_expected_size_only(tmp_path):
    path = tmp_path / "journal"
    append_line(path, b"one\n", size=0)
    append_line(path, b"two\n", size=4)
    for size in (4, 9):
        with pytest.raises(OSError, match="has 8 bytes"):
            append_line(path, b"three\n", size=size)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_new_file_must_not_exist_and_an_old_one_must(tmp_path):
    path = tmp_path / "journal"
    with pytest.raises(FileNotFoundError):
        append_line(path, b"x\n", size=1)
    append_line(path, b"x\n", size=0)
    with pytest.raises(FileExistsError):
        append_line(path, b"y\n", size=0)


def test_a_disk_that_takes_nothing_is_an_error():
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            append_durably(descriptor, b"x")
    finally:
        os.close(descriptor)


def test_a_name_is_published_once_and_keeps_what_it_got_first(tmp_path):
    path = tmp_path / "x.jsonl"
    assert publish_once(path, b"first")
    assert not publish_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [found.name for found in tmp_path.iterdir()] == ["x.jsonl"]


def test_without_hard_links_a_name_is_published_all_the_same(tmp_path, monkeypatch):
    def refuse(source: object, target: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "x.jsonl"
    assert publish_once(path, b"first")
    assert not publish_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [found.name for found in tmp_path.iterdir()] == ["x.jsonl"]


def test_of_many_that_publish_one_name_at_once_one_is_told_it_did(tmp_path):
    start = threading.Barrier(8)
    told: list[bool] = []

    def publish(number: int) -> None:
        start.wait()
        told.append(publish_once(tmp_path / "x", bytes([number])))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]


def test_a_folder_whose_names_cannot_be_synced_is_written_all_the_same(tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    make_folder(tmp_path / "new" / "deeper")
    append_line(tmp_path / "new" / "deeper" / "journal", b"x\n", size=0)


def test_every_new_folder_s_name_is_synced(tmp_path, monkeypatch):
    synced: list[int] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    make_folder(tmp_path / "new" / "deeper")
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "new").stat().st_ino]
    make_folder(tmp_path / "new" / "deeper")
    assert len(synced) == 2
