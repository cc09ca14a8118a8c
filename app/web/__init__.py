"""Floor 2: what every door shares. Who may come in, errors as pages, headers, languages, layout."""
