"""Real data brought here: fetched, verified, unpacked, looked through and split."""
