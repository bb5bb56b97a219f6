"""When two texts count as the same: the one normal form that every check here compares."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["normal_form", "words"]

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")


def normal_form(text: str) -> str:
    """Give the form in which texts are compared: NFKC, case folding, white space collapsed.

    Parameters
    ----------
    text
        Any text. Lone surrogates stay as they are.

    Returns
    -------
    str
        Equal for two texts that differ only in case, white space or Unicode form.

    Notes
    -----
    NFKC runs again after case folding, because folding can leave a composed letter decomposed
    (``"ΐ"`` against ``"ΐ".upper()``).

    Examples
    --------
    >>> normal_form("  Ｐａｒｉｓ\\u00a0IS\\n the Straße ")
    'paris is the strasse'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """Give the words of the normal form, punctuation left out; each kana or ideograph is one.

    Examples
    --------
    >>> words("Don't PANIC, 42 times.")
    ['don', 't', 'panic', '42', 'times']
    """
    return _WORD.findall(normal_form(text))
