"""What labels are worth: profiles, transitions, dwell, agreement, figures."""
