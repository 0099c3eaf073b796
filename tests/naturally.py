"""Texts in natural order, worked out another way than Karst does: by zeros before all digits."""

import re
from collections.abc import Iterable


def in_one_text(texts: Iterable[str]) -> str | None:
    """What cells have of whose type there are these texts; None for none."""
    different = sorted(set(texts), key=lambda text: re.sub(r"[0-9]+", lambda digits: digits[0].zfill(30), text))
    if len(different) < 2:
        return different[0] if different else None
    return f"several: {' | '.join(different)}"
