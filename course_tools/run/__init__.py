"""Chapters executed, on this machine or on several, and what each run may say of itself."""
