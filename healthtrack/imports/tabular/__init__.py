"""The importer of tables: what its pages and commands show of a run."""
