"""From a scoring run to files that another system reads."""
