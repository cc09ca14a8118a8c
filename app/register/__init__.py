"""Floor 1: the national register, its tables, and everything one may do with them. It knows no loans."""
