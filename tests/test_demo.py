"""The command that the README leads with, on a log of the user's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def demo(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, str(ROOT / "notebooks" / "demo.py"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )


def test_the_demo_scores_a_log_and_leaves_notebooks(tmp_path):
    log = tmp_path / "log of mine.jsonl"
    traces = [
        {"query": "import os", "model": model, "outcome": outcome, "started_at": second}
        for second, (model, outcome) in enumerate([("a", "success")] * 6 + [("b", "failure")] * 5)
    ]
    log.write_text("".join(json.dumps(trace) + "\n" for trace in traces), "utf-8")
    done = demo(str(log))
    assert done.returncode == 0, done.stderr
    assert "1.00 [0.61, 1.00] n=6" in done.stdout
    for part in ("Routing table of SFTRouterPolicy", "Routing table of TraceDrivenPolicy"):
        assert part in done.stdout
    assert "Where the two disagree" in done.stdout
    named = [line.split(": ")[1] for line in done.stdout.split("\n") if "Executed notebook" in line]
    assert len(named) == 2
    for name in named:
        html = (ROOT / name).read_text("utf-8")
        assert "<html" in html
        assert "Traceback" not in html


def test_the_demo_of_no_log_says_so_without_a_traceback(tmp_path):
    done = demo(str(tmp_path / "nothing.db"))
    assert done.returncode == 1
    assert "There is no file" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_of_an_empty_log_says_so(tmp_path):
    (tmp_path / "empty.jsonl").write_text("", "utf-8")
    done = demo(str(tmp_path / "empty.jsonl"))
    assert done.returncode == 0, done.stderr
    assert "The log has no traces" in done.stdout
