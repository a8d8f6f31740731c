"""What makes it a course: registry, exercises and their checks, progress, claims, quiz, build, report."""
