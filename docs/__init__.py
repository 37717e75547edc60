"""What is written about the product, and what of it is made from the code."""
