"""Stand-ins for the Kubernetes API server, which cannot run on the machines that run the tests.

`emulator` runs kmock, an independent imitation with lists and watches. It knows no resource versions, pages,
label selectors or bookmarks. `api_server` is an imitation of this project that knows these, and shows faults.
"""
