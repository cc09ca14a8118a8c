"""Properties are checked without a stopwatch: a slow machine breaks no rule."""

from hypothesis import settings

settings.register_profile("rules", deadline=None, max_examples=50)
settings.load_profile("rules")
