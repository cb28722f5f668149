"""One function a verb: the straight line from a configuration to what the user asked for."""
