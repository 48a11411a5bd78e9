"""nbgrader's own autograde of several submissions, one after another, each whatever became of those before.

    autograde.py ASSIGNMENT TIMEOUT STUDENT...        in a course folder; a cell may take TIMEOUT seconds

Its command line would stop for good at some of the submissions that it refuses, and takes seconds to start.
Prints one JSON object a line for each student: `student`, and `log` if the submission was refused.
"""

import json
import sys
from pathlib import Path

from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

assignment, timeout, *students = sys.argv[1:]
config = PyFileConfigLoader("nbgrader_config.py").load_config()
config.merge(Config({"CourseDirectory": {"root": str(Path.cwd())}, "ExecutePreprocessor": {"timeout": int(timeout)}}))
api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
for student in students:
    done = api.autograde(assignment, student)
    print(json.dumps({"student": student} if done["success"] else {"student": student, "log": done.get("log", "")[-2000:]}), flush=True)
