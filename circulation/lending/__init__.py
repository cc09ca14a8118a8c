"""Loans, holds, fees and claims, by the library's rules."""
