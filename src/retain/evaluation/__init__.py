"""How good a score is: order, calibration and profit, each with its uncertainty."""
