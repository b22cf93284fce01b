"""What is made from the chapters for others: students' copies of the notebooks."""
