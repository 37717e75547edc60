"""What is left behind by many runs in a row: in one process, and on the machine and the far ends?"""
