"""What is kept of other projects is what its note says, and fits what it is used with."""

from __future__ import annotations

import hashlib
import re

from plotly.offline import get_plotlyjs_version

from tests.servers import ROOT

VENDOR = ROOT / "assets" / "vendor"


def test_plotly_is_the_build_that_its_note_names_and_python_expects() -> None:
    script = (VENDOR / "plotly-strict.min.js").read_bytes()
    note = dict(re.findall(r"^    (version|sha256) +(\S+)$", (VENDOR / "README.md").read_text(), re.M))
    assert note == {"version": get_plotlyjs_version(), "sha256": hashlib.sha256(script).hexdigest()}
    assert f"plotly.js (strict - minified) v{note['version']}\n".encode() in script[:200]
