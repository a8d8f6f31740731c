"""Files of a learner's own, read line by line: what is no row is named, and nothing is lost."""
