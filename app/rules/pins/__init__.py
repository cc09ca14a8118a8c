"""PINs: their form, which are easy to guess, and the budgets of tries."""
