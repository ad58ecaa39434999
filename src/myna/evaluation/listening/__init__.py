"""Blind listening tests: which of two agents comes closer to a sound, and which sounds better."""
