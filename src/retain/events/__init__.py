"""From anyone's tables to checked events, sorted by customer and time."""
