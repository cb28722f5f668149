"""Declarations of features, one file a family."""
