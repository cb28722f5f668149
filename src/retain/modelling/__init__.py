"""From a panel to a calibrated model that can be trusted, kept and loaded again."""
