"""What can be done: one public function per action, each behind the door of `action.py`."""
