"""What to do about whom: the catalogue of actions and the rules that choose from it."""
