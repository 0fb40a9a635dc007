"""Tests of the command line.

command: a dataclass without logic
demo: the whole command runs in tests/scenarios/test_demo.py
logging_setup: the scenarios compare the output of whole commands
maintain: tests/jobs/maintenance tests what it runs; test_main.py tests its options
repair: test_replay.py and test_rebuild.py run it
stream: the scenarios run it as a user does; test_launcher.py and test_main.py test its options
"""
