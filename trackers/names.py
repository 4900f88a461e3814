"""The names that a tracker model answers to, without regard to case: its model name, and brand and model name."""

NAMES_SQL = """
    SELECT lower(model_name) AS name, model_id, lower(brand_name) AS brand FROM tracker_models
    UNION
    SELECT lower(brand_name || ' ' || model_name), model_id, lower(brand_name) FROM tracker_models
"""
