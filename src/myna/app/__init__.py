"""The app: a face over the same verbs as the command line, drawn by Streamlit. Its entry is `main.py`."""
