"""Models of a hub: named, listed, downloaded, checked and kept; and what to say when that fails."""
