"""What waits in the register, in numbers for the operator: nobody's data."""
