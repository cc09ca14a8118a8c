"""Biblioteket: what a library's administrators look after themselves, without the operator."""
