"""Pure rules: no Flask, no SQL, no clock, no I/O. `now` is always passed in."""
