"""Libraries' systems, what they are told and what they may see and do."""
