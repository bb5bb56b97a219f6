"""The pictures of README and docs from the bundled sample: `python docs/pictures.py`."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jarvis_lab import (
    AlwaysPolicy,
    LowerBoundRouterPolicy,
    TraceDrivenPolicy,
    class_scores,
    compare_policies,
    overlap,
    plot_class_scores,
    plot_overlap,
    plot_policy_values,
    read_traces,
    sample_path,
)


def save(axes: Axes, name: str, title: str) -> None:
    """Write the picture beside this file, without a date or a version in it."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.suptitle(f"{title} (generated sample)", x=0.01, ha="left", fontsize=11)
    target = Path(__file__).parent / f"{name}.png"
    figure.savefig(target, dpi=110, bbox_inches="tight", metadata={"Software": None})


def main() -> None:
    log = read_traces(sample_path("traces.db"))
    axes = plot_class_scores(class_scores(log))
    figure = axes.figure
    assert isinstance(figure, Figure)
    axes.set_title("Mean reward per kind of query, 95 % interval (generated sample)", loc="left")
    target = Path(__file__).parent / "class_scores.png"
    figure.savefig(target, dpi=110, bbox_inches="tight", metadata={"Software": None})
    before = TraceDrivenPolicy(log)
    before.update_from_traces()
    policies = {
        "lower bound table": LowerBoundRouterPolicy(),
        "trace-driven table": TraceDrivenPolicy(),
        "trace-driven, learned here": before,
        "today: cirrus-large-2": AlwaysPolicy("cirrus-large-2"),
        "tomorrow: nimbus-2": AlwaysPolicy("nimbus-2"),
    }
    today = "today: cirrus-large-2"
    values = compare_policies(log, policies, reference=today)
    axes = plot_policy_values(values, level=0.95, reference=today)
    save(axes, "policy_values", "What each policy would earn on this traffic")
    save(plot_overlap(overlap(log, before)), "overlap", "Where the log can judge a routing table")


if __name__ == "__main__":
    main()
