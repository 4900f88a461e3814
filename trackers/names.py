"""The names that a tracker model answers to, without regard to case: its model name, and brand and model name."""

from healthtrack.imports.results import LinkCounts

NAMES_SQL = """
    SELECT lower(model_name) AS name, model_id, lower(brand_name) AS brand FROM tracker_models
    UNION
    SELECT lower(brand_name || ' ' || model_name), model_id, lower(brand_name) FROM tracker_models
"""


def describe(links: LinkCounts) -> str:
    return (
        f"{links.linked:,} patients linked by the tracker that they state, {links.ambiguous:,} of them to models of "
        f"several brands; {links.unmatched:,} patients state a tracker that no model answers to"
    )
