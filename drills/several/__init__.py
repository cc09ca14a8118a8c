"""Several machines on one: each has a loopback address of its own, and the files of deploy/ with that in them."""
