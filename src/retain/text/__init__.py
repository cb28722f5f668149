"""What customers write, in eleven languages and without a network: sentiment, topics and intents of each text."""
