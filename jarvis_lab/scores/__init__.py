"""Counts per class and model → scores with intervals."""

from jarvis_lab.scores.counted_by import check_by, check_reward, tell
from jarvis_lab.scores.counts import (
    COUNT_COLUMNS,
    REWARD_COLUMNS,
    as_counts,
    is_counts,
    merge_counts,
    score_counts,
)
from jarvis_lab.scores.scores import SCORE_COLUMNS, class_scores, composites, reward_sums

__all__ = [
    "COUNT_COLUMNS",
    "REWARD_COLUMNS",
    "SCORE_COLUMNS",
    "as_counts",
    "check_by",
    "check_reward",
    "class_scores",
    "composites",
    "is_counts",
    "merge_counts",
    "reward_sums",
    "score_counts",
    "tell",
]
