"""What is made from the chapters for others: copies, assignments, slides, the site."""
