"""The columns of files: what they mean, how their texts are read, and which are errors."""
