"""Example data: made here, so that everything can be tried before there is any data of one's own."""
