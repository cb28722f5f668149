"""Who is still a customer, told from the rhythm of purchases alone: the baseline every model has to beat."""
