"""Sound in and out: the audio door and the target to imitate."""
