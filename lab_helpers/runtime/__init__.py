"""Hardware, profiles, precision, seeds, memory, paths and the errors a user can mend."""
