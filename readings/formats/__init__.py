"""The formats of files with readings. Each turns streams of bytes into batches of columns, and knows no database."""
