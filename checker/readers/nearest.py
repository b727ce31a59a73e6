"""What was most probably meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(word: str, known: Sequence[str]) -> str:
    """Say which known word is nearest, or all of them where none is near."""
    import difflib

    plain = word.lower().replace("-", "_")
    near = difflib.get_close_matches(plain, [entry.replace("-", "_") for entry in known], n=1)
    found = next((entry for entry in known if near and entry.replace("-", "_") == near[0]), None) or next(
        (entry for entry in known if len(plain) > 2 and (entry.startswith(plain) or plain.startswith(entry))), None
    )
    return f"did you mean {found!r}?" if found is not None else f"known: {', '.join(known)}"
