"""The environment: an agent edits presets towards a target sound."""
