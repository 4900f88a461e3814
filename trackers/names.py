"""The names that a tracker model answers to, without regard to case: its model name, and brand and model name.

A name that staff settled (tracker_aliases) is the name of the model that they chose, and of no other.
"""

NAMES_SQL = """
    SELECT name, model_id, brand
      FROM (SELECT lower(model_name) AS name, model_id, lower(brand_name) AS brand FROM tracker_models
            UNION
            SELECT lower(brand_name || ' ' || model_name), model_id, lower(brand_name) FROM tracker_models) AS called
     WHERE NOT EXISTS (SELECT FROM tracker_aliases AS alias WHERE lower(alias.name) = called.name)
    UNION ALL
    SELECT lower(alias.name), model_id, lower(brand_name)
      FROM tracker_aliases AS alias JOIN tracker_models USING (model_id)
"""
