"""What every other package may use: errors, settings, time, logs."""
