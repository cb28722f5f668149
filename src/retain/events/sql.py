"""Names and texts as SQL writes them, so that nothing a source holds is taken for a command."""

from __future__ import annotations

BLANKS = " \t\r\n\u00a0\u2007\u202f\ufeff"
"""What counts as blank around a value."""


def name(text: str) -> str:
    """A quoted identifier.

    >>> name('a"b')
    '"a""b"'
    """
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted text.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def trimmed(expression: str) -> str:
    """That text without blanks around it; NULL if nothing is left."""
    # Trimming a set of characters is slow; few texts need it.
    edge = literal(f"^[{BLANKS}]|[{BLANKS}]$")
    return (
        f"nullif(CASE WHEN regexp_matches({expression}, {edge}) THEN trim({expression}, {literal(BLANKS)}) "
        f"ELSE {expression} END, '')"
    )
