"""Containers that a source describes in groups: the tasks of an app, the containers of a task."""
