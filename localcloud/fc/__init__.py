"""Function Compute 2.0 and 3.0: functions in processes of their own."""
