"""What runs measured: summed up, kept beside the sheets, compared, shown."""
