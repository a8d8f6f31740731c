"""What runs inside the sandbox's processes: standard library only, nothing of ``lab_helpers``.

The interpreter in there is started without site-packages and without environment, and these
files are imported before its doors close.
"""
