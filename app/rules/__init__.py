"""The ground floor: pure rules. No Flask, no SQL, no clock, no I/O; `now` is always passed in."""
