"""What every probe needs: deadlines, the journal of readings, single flight, isolated processes."""
