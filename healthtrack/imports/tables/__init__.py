"""Import tables by sets: stage, combine, compare and write rows, as a resource declares them."""
