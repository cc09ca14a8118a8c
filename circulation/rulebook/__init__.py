"""The library's rules over time: what was published for which days, a draft, and what it would change."""
