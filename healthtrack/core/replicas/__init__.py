"""Read from replicas of the database: reports, lists, searches and downloads.

`routing` is the one place that decides where a page reads, `lag` measures how far each replica is behind, and
`middleware` chooses one for each request.
"""
