"""What a policy is worth, and where two of them differ."""

from jarvis_lab.evaluation.differences import disagreements, traffic

__all__ = ["disagreements", "traffic"]
