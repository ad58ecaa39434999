"""myna hears a sound and programs the synthesizer: a recording in, a preset out."""

__all__ = ["__version__"]

__version__ = "0.1.0"
