"""From probabilities to a list of customers: tier, priority, value, and reasons in plain words."""
