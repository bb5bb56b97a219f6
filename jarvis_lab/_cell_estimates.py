"""Means, spreads and priors of a log's cells as one policy uses them. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab._cells import Cells

__all__ = ["CELLS", "TINY", "TORN", "CellEstimates", "cell_estimates"]

Floats = NDArray[np.float64]
#: The axes of class and model.
CELLS = (-2, -1)
#: Stands for 0 where it divides.
TINY = 1e-100
_PRIOR_OF_SPREAD = 10.0
_K_RANGE = (1.0, 10.0)
#: What the variance of a class grows by where the halves of a cross-fitted policy disagree.
TORN = 2 / np.pi


@dataclass(frozen=True)
class CellEstimates:
    """What both a value and a difference are made of; one number a log, or one a cell of it."""

    weight: Floats
    filled: Floats  # ȳ, the prior mean in empty cells
    shrunk: Floats  # p̃
    spread: Floats  # φp̃(1-p̃)/m
    freedom: Floats  # max(n + k - 1, 1)
    mu: Floats
    k: Floats
    n_effective: Floats
    covered: Floats


def cell_estimates(cells: Cells, pi: Floats, torn: Any = 0.0) -> CellEstimates:
    """What the value of the policy ``pi`` is made of; see the notes of ``logged_value``.

    Parameters
    ----------
    cells : Cells
        The log.
    pi : ndarray of float, … × class × model
        Probability of each model in each class.
    torn : array of float, … × class
        Share of each class in which the halves of a policy that was cross-fitted in two choose
        different models; 0 for any other policy.

    Notes
    -----
    Of two models that are equally good, half the log takes the luckier one, and the other half
    values it. Where the halves agree both were lucky with it, where they disagree both values
    are of a model that was unlucky there: the errors of the two values are correlated. For two
    models with a true difference of d standard errors the correlation is 2φ(d)², at most 1/π, and
    the halves disagree with probability at most 1/2; so v_j(1 + 2/π) in the classes where they
    do gives the variance at d = 0, and a little more than that elsewhere.
    """
    weight = cells.shares[..., None] * pi
    used, seen = weight > 0, cells.n > 0
    m = np.maximum(cells.n, 1)
    any_reward = cells.class_n.sum(-1) > 0
    n_star = any_reward / np.maximum((weight**2 / m).sum(CELLS), TINY)
    reached = np.where(seen, weight, 0)
    covered = reached.sum(CELLS)
    among = np.maximum(covered, TINY)
    overall = (cells.class_total.sum(-1) + 0.5) / (cells.class_n.sum(-1) + 1)
    of_class = (cells.class_total + 2 * overall[..., None]) / (cells.class_n + 2)
    known = np.where(covered > 0, (reached * cells.mean).sum(CELLS) / among, 0.5)
    mu = (n_star * known + 0.5) / (n_star + 1)
    typical = np.where(covered > 0, (reached * of_class[..., None]).sum(CELLS) / among, mu)
    shift = _logit(mu) - _logit(typical)
    prior = _expit(_logit(of_class) + shift[..., None])[..., None] + 0 * weight
    filled = np.where(seen, cells.mean, prior)
    often = used & (cells.n >= 2)
    phi = np.where(cells.binary, 1.0, _phi(cells, often, mu))
    k = _prior_weight(cells, prior, np.where(often, weight, 0), phi)
    wide_k, wide_phi = k[..., None, None], phi[..., None, None]
    mixed = (cells.n * cells.mean + wide_k * prior) / (cells.n + wide_k)
    shrunk = np.where(seen, mixed, prior)
    spread = wide_phi * shrunk * (1 - shrunk) / m
    spread = spread * (1 + TORN * np.asarray(torn, dtype=np.float64)[..., None])
    freedom = np.maximum(cells.n + wide_k - 1, 1)
    return CellEstimates(weight, filled, shrunk, spread, freedom, mu, k, n_star, covered)


def _phi(cells: Cells, often: NDArray[np.bool_], mu: Floats) -> Floats:
    freedom = np.where(often, cells.n - 1, 0)
    prior = _PRIOR_OF_SPREAD * mu * (1 - mu)
    widest = cells.mean * (1 - cells.mean) + cells.variance / np.maximum(cells.n, 1)
    most = (freedom * widest).sum(CELLS) + prior
    phi: Floats = np.minimum(1.0, ((freedom * cells.variance).sum(CELLS) + prior) / most)
    return phi


def _prior_weight(cells: Cells, prior: Floats, weight: Floats, phi: Floats) -> Floats:
    total = weight.sum(CELLS)
    among = np.maximum(total, TINY)
    apart = (cells.mean - prior) ** 2 - cells.variance / np.maximum(cells.n, 1)
    between = np.maximum((weight * apart).sum(CELLS) / among, 1e-6)
    within = (weight * prior * (1 - prior)).sum(CELLS) / among
    return np.where(total > 0, np.clip(phi * within / between - 1, *_K_RANGE), _K_RANGE[1])


def _logit(p: Any) -> Any:
    return np.log(p) - np.log1p(-p)


def _expit(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))
