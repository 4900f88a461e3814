"""The store of readings: columns in, day rows out. It knows neither files nor pages."""
