"""The card door: the rotating card on a phone, and the devices that may show it."""
