"""Find out how a file is to be read, with reasons, and what only a person can answer."""
