"""Churn prediction from raw event tables to a file the CRM imports."""

__version__ = "0.1.0"
