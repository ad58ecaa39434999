"""Training: recordings and data sets, learners, and the harness that drives them."""
