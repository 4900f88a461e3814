"""Charts of readings: the readings of a period as points, tables and drawings. They know no pages."""
