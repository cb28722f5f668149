"""`retain init`: a configuration for tables that nobody has described yet."""
