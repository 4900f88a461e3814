from django.db import migrations

CREATE_VIEW = """
    CREATE VIEW tracker_model_names AS
    SELECT name, model_id, brand
      FROM (SELECT lower(model_name) AS name, model_id, lower(brand_name) AS brand FROM tracker_models
            UNION
            SELECT lower(brand_name || ' ' || model_name), model_id, lower(brand_name) FROM tracker_models) AS named
     WHERE NOT EXISTS (SELECT FROM tracker_aliases AS alias WHERE lower(alias.name) = named.name)
    UNION ALL
    SELECT lower(alias.name), model_id, lower(brand_name)
      FROM tracker_aliases AS alias JOIN tracker_models USING (model_id)
"""
COMMENTS = """
    COMMENT ON VIEW tracker_model_names IS
    'Every name of every tracker model, in lower case: its model name, and its brand and model name. A name that staff assigned (tracker_aliases) names the assigned model only';
    COMMENT ON COLUMN tracker_model_names.name IS 'A name of the model, in lower case';
    COMMENT ON COLUMN tracker_model_names.model_id IS 'The tracker model that it names';
    COMMENT ON COLUMN tracker_model_names.brand IS 'Brand of that model, in lower case';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("trackers", "0003_history"),
    ]

    operations = [
        migrations.RunSQL([CREATE_VIEW, COMMENTS], "DROP VIEW tracker_model_names"),
    ]
