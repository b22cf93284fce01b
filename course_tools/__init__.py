"""What executes, judges, publishes and fetches: the `course` command. No chapter imports it."""
