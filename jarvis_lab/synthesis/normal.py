"""When two texts count as the same: the one normal form that every check here compares."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["normal_form", "words"]

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
#: Unicode's Default_Ignorable_Code_Point: nothing of them is seen.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")


def normal_form(text: str) -> str:
    """Give the form in which texts are compared: NFKC, case folding, white space collapsed.

    Characters that are not seen, such as a zero-width space or a soft hyphen, are left out, as in
    Unicode's own NFKC_Casefold.

    Parameters
    ----------
    text
        Any text. Lone surrogates stay as they are.

    Returns
    -------
    str
        Equal for two texts that differ only in case, white space, Unicode form or what is not
        seen.

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
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text).casefold())
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
