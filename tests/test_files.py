"""Writing whole or not at all, appending durably, and the same bytes everywhere."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from jarvis_lab._files import (
    append_durably,
    append_line,
    atomic_group,
    atomic_writer,
    canonical_json,
    publish_once,
    sha256_bytes,
    sha256_file,
    write_at,
    write_bytes,
)


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_appears_with_its_whole_content_when_the_block_ends(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with atomic_writer(path) as handle:
        handle.write(b"new" * 1_000_000)
        handle.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" * 1_000_000
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_writer(path) as handle:  # noqa: PT012
        handle.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_process_killed_while_it_writes_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    code = """
        import os, signal, sys
        from jarvis_lab._files import atomic_writer
        with atomic_writer(sys.argv[1]) as handle:
            handle.write(b"new" * 1_000_000)
            handle.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(code, path).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    (left,) = [name for name in os.listdir(tmp_path) if name != "x"]
    assert left.startswith(".")
    assert left.endswith(".tmp")
    write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_a_group_of_files_appears_together_or_not_at_all(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    with atomic_group([one, two]) as handles:
        for handle, data in zip(handles, (b"1", b"2"), strict=True):
            handle.write(data)
        assert not one.exists()
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")
    with pytest.raises(RuntimeError), atomic_group([one, two]) as handles:  # noqa: PT012
        handles[0].write(b"x")
        raise RuntimeError
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"nowhere does not exist\. Create it first"),
        atomic_writer(tmp_path / "nowhere" / "x"),
    ):
        pass


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_or_pipe_is_not_replaced_by_a_file(tmp_path, linked):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = tmp_path / "link" if linked else pipe
    if linked:
        target.symlink_to(pipe)
    with pytest.raises(FileExistsError, match="device or a pipe"):
        write_bytes(target, b"x")
    assert pipe.is_fifo()
    assert target.is_symlink() is linked
    assert len(list(tmp_path.iterdir())) == 1 + linked


def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    code = """
        import resource, signal, sys
        from jarvis_lab._files import write_bytes
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_bytes(sys.argv[1], b"x" * 5000)
        except OSError as error:
            print(error)
    """
    assert "too large" in run(code, path).stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_short_append_is_an_error_that_says_how_short(tmp_path):
    path = tmp_path / "x"
    code = """
        import os, resource, signal, sys
        from jarvis_lab._files import append_durably
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        append_durably(descriptor, b"a" * 600)
        try:
            append_durably(descriptor, b"b" * 600)
        except OSError as error:
            print(error)
    """
    assert run(code, path).stdout == "Only 400 of 600 bytes were written: is the disk full?\n"
    assert path.read_bytes() == b"a" * 600 + b"b" * 400


def test_appending_adds_to_what_is_there(tmp_path):
    path = tmp_path / "x"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    append_durably(descriptor, b"one\n")
    append_durably(descriptor, b"two\n")
    os.close(descriptor)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_line_is_appended_only_to_the_file_as_it_was_left(tmp_path):
    path = tmp_path / "x"
    append_line(path, b"one\n", size=0)
    append_line(path, b"two\n", size=4)
    for size in (0, 4):
        with pytest.raises(OSError):
            append_line(path, b"three\n", size=size)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_name_is_published_once(tmp_path):
    path = tmp_path / "x"
    assert publish_once(path, b"one")
    assert not publish_once(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["x"]


def test_blocks_are_written_where_they_belong_in_any_order(tmp_path):
    path = tmp_path / "x"
    path.touch()
    write_at(path, 6, [b"three\n", b"", b"four\n"])
    assert path.read_bytes() == b"\0" * 6 + b"three\nfour\n"
    write_at(path, 0, [b"one\n", b"2\n"])
    assert path.read_bytes() == b"one\n2\nthree\nfour\n"
    with pytest.raises(FileNotFoundError):
        write_at(tmp_path / "y", 0, [b"nobody made this file"])
    assert os.listdir(tmp_path) == ["x"]


def test_canonical_json_is_the_same_bytes_whatever_the_order(tmp_path):
    assert canonical_json({"b": 1, "a": "é\u2028", "c": [1.5, None]}) == (
        '{"a":"é\u2028","b":1,"c":[1.5,null]}'.encode()
    )
    assert canonical_json({"x": {"b": 1, "a": 2}}) == b'{"x":{"a":2,"b":1}}'


def test_hashes_equal_those_of_hashlib(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert sha256_bytes(data) == sha256_file(tmp_path / "x") == expected


@pytest.mark.skipif(os.name == "nt", reason="needs resource limits")
def test_a_block_that_fits_only_in_part_is_an_error(tmp_path):
    path = tmp_path / "x"
    path.touch()
    code = """
        import resource, sys
        from jarvis_lab._files import write_at
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_at(sys.argv[1], 10, [b"x" * 5000])
        except OSError as error:
            print(error.errno)
    """
    assert run(code, path).stdout.strip() == str(errno.EFBIG)
    assert path.stat().st_size == 1000
