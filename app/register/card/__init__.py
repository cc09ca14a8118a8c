"""The card on phones and in wallets, the family's cards, the scan."""
