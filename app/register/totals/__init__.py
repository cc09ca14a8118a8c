"""How much happens at each library in a day, counted when it happens, and of whom is kept nowhere."""
