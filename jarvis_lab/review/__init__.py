"""Correction review: a queue whose decisions survive, without a screen."""
