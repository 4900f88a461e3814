"""PostgreSQL beneath the models: connections, transactions, constraints, partitions."""
