"""Serum-lite: a wavetable synth in the mould of Serum and Vital, one source for CPU and CUDA."""
