"""What sums over days and states can bear: draws of whole dates, intervals, shifted labels."""
