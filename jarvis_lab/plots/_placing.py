"""Names beside their points, where they cover neither a point nor one another."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from jarvis_lab.plots import _canvas
from jarvis_lab.plots._words import height_of, width_of

__all__ = ["place_names"]

Boxes = NDArray[np.float64]
_MARK = 5.0  # points from the middle of a marker to its edge, with some air
_NEAR, _FAR = 7.0, 13.0  # points from the marker to its name, without and with a line to it
_STEPS, _FURTHER = (0.0, 5.0), (0.0, 5.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0)
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def place_names(
    ax: Axes,
    points: NDArray[np.float64],
    names: Sequence[str],
    *,
    order: Sequence[int],
    size: float,
    lines: Sequence[NDArray[np.float64]] = (),
    bold: Sequence[int] = (),
) -> list[int]:
    """Write the names beside the points (n × 2, data), the first of ``order`` first.

    A name keeps clear of all points and of the names before it, stays inside the axes, and
    avoids the ``lines`` (each k × 2, data) where it can. ``bold`` ones may stand further away,
    at the end of a thin line. Gives the indices without room.
    """
    at = _in_points(ax, points)
    edges = np.array([72 * side for side in _canvas.inches(ax)])
    marks = np.column_stack([at - _MARK, at + _MARK])
    soft = _along(_in_points(ax, line) for line in lines)
    taken = np.empty((0, 4))
    without = []
    for index in order:
        weight = 1.12 if index in bold else 1.0
        wide, high = 72 * width_of(names[index], size) * weight, 72 * height_of(size)
        others = np.delete(marks, index, axis=0)
        best: tuple[float, float, float, Boxes] | None = None
        for rank, (dx, dy) in enumerate(_offsets(_FURTHER if index in bold else _STEPS)):
            box = _box(at[index], dx, dy, wide, high)
            own = np.vstack([box, _leader(at[index], dx, dy)])
            outside = (box[:2] < 0).any() or (box[2:] > edges).any()
            if outside or _hits(own, taken) or _hits(own[:1], others):
                continue
            worth = rank * 0.35 + _hits(own[:1], soft) + 4 * _hits(own[1:], others)
            if best is None or worth < best[0]:
                best = worth, dx, dy, own
        if best is None:
            without.append(index)
            continue
        _, dx, dy, own = best
        taken = np.vstack([taken, own])
        _write(ax, names[index], points[index], dx, dy, size, index in bold)
    return without


def _offsets(steps: Sequence[float]) -> list[tuple[float, float]]:
    """Places for a name, the nearest first: points from the marker's middle."""
    found = []
    for step in steps:
        for x, y in _SIDES:
            far = (_NEAR + step) * (0.75 if x and y else 1.0)
            found.append((x * far, y * far))
    return found


def _box(at: Boxes, dx: float, dy: float, wide: float, high: float) -> Boxes:
    left = at[0] + dx - (0 if dx > 0 else wide if dx < 0 else wide / 2)
    low = at[1] + dy - (0 if dy > 0 else high if dy < 0 else high / 2)
    return np.array([left, low, left + wide, low + high])


def _leader(at: Boxes, dx: float, dy: float) -> Boxes:
    """Small boxes along the thin line from a marker to its name, if there is one."""
    end = np.array([dx, dy])
    if max(abs(dx), abs(dy)) <= _FAR:
        return np.empty((0, 4))
    return _along([np.array([at + end * min(1.0, _MARK / np.hypot(dx, dy)), at + end])])


def _hits(boxes: Boxes, others: Boxes) -> int:
    """How many pairs overlap."""
    low, high = np.maximum, np.minimum
    wide = high(boxes[:, None, 2], others[None, :, 2]) - low(boxes[:, None, 0], others[None, :, 0])
    tall = high(boxes[:, None, 3], others[None, :, 3]) - low(boxes[:, None, 1], others[None, :, 1])
    return int(((wide > 0) & (tall > 0)).sum())


def _along(lines: Iterable[Boxes]) -> Boxes:
    """Small boxes along lines, all in points."""
    boxes = [np.empty((0, 4))]
    for line in lines:
        for first, last in itertools.pairwise(line):
            steps = max(int(np.abs(last - first).max() // 4), 1)
            spots = first + (last - first) * np.linspace(0, 1, steps + 1)[:, None]
            boxes.append(np.column_stack([spots - 1.5, spots + 1.5]))
    return np.concatenate(boxes)


def _in_points(ax: Axes, data: Boxes) -> Boxes:
    """Data as points (1/72 inch) from the lower left corner of the axes."""
    shown = ax.transData.transform(data) - ax.get_window_extent().p0
    return np.asarray(shown * 72 / ax.get_figure(root=True).dpi)  # type: ignore[union-attr]


def _write(
    ax: Axes, name: str, point: Boxes, dx: float, dy: float, size: float, bold: bool
) -> None:
    sides: dict[str, Any] = {
        "ha": "left" if dx > 0 else "right" if dx < 0 else "center",
        "va": "bottom" if dy > 0 else "top" if dy < 0 else "center",
    }
    far = max(abs(dx), abs(dy)) > _FAR
    corner = (0.5 - 0.5 * np.sign(dx), 0.5 - 0.5 * np.sign(dy))
    arrow: dict[str, Any] = {
        "arrowstyle": "-",
        "lw": 0.7,
        "color": "0.5",
        "shrinkA": 0,
        "shrinkB": 4,
    }
    arrow["relpos"] = corner
    text = ax.annotate(
        name,
        (float(point[0]), float(point[1])),
        (dx, dy),
        textcoords="offset points",
        fontsize=size,
        fontweight="bold" if bold else "normal",
        arrowprops=arrow if far else None,
        **sides,
        **_canvas.PLAIN,
    )
    text.set_in_layout(False)
