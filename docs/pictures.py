"""The README's picture from the bundled sample: `python docs/pictures.py`."""

from pathlib import Path

from matplotlib.figure import Figure

from jarvis_lab import class_scores, plot_class_scores, sample_path


def main() -> None:
    axes = plot_class_scores(class_scores(sample_path("traces.db")))
    figure = axes.figure
    assert isinstance(figure, Figure)
    axes.set_title("Mean reward per kind of query, 95 % interval (generated sample)", loc="left")
    target = Path(__file__).parent / "class_scores.png"
    figure.savefig(target, dpi=110, bbox_inches="tight", metadata={"Software": None})


if __name__ == "__main__":
    main()
