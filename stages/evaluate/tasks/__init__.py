"""Task files for lm-eval, usable alone with `--include_path`, and what they call."""
