"""Real data brought here: downloaded, verified, unpacked, inspected and split."""
