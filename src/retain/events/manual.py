"""The data contract as a page of the manual, written from the contract itself."""

from __future__ import annotations

from retain.events.schemas import SCHEMAS


def contract_tables() -> str:
    """Every table of the contract and its columns, as Markdown."""
    parts = []
    for schema in SCHEMAS.values():
        rows = [
            f"| {f'**{one.name}**' if one.required else one.name} | {one.kind} | {one.about} |"
            for one in schema.fields
        ]
        unique = f" One row for each {' and '.join(schema.identity)}." if schema.identity else ""
        head = f"### {schema.name}\n\n{schema.about}{unique}\n\n| column | kind | meaning |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)
