"""One glossary: what the interface explains is what the documentation says."""

from __future__ import annotations

from components import glossary
from services.cells.connectivity import PARTNER_COLUMNS
from tests.servers import ROOT


def test_the_page_of_the_docs_is_the_glossary() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text() == glossary.page(), "run: python -m components.glossary"


def test_every_meaning_is_one_short_sentence_and_every_column_of_partners_has_one() -> None:
    for word, meaning in glossary.terms().items():
        assert word == word.casefold() and meaning.endswith(".") and len(meaning) < 160, word
    assert all(glossary.of_column(name) for name in PARTNER_COLUMNS)
    assert glossary.of_word("Root id ") == glossary.terms()["root id"]
    assert glossary.of_word("no such word") is None
