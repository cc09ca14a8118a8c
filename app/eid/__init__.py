"""The gate to a country's sign-in service (eID), by OpenID Connect. It stores nothing."""
