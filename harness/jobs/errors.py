"""The errors of jobs that are run as copies: what can't be read of one, or run, or known.

JobError
├── JobFileError           NBH410   a file that describes jobs can't be read
├── JobNotFoundError       NBH411   there is no such job
├── JobVariableError       NBH412   a variable of a job has no value
├── JobShapeError          NBH413   the settings of a job are wrong
├── JobNotebookError       NBH414   the file of a task isn't there
├── JobParameterError      NBH415   a job doesn't take a parameter
├── JobKindError           NBH416   a job has a task that a copy can't be run with
└── TaskValuesUnknownError NBH417   the task values of a task aren't known
"""

from __future__ import annotations

from harness.errors import HarnessError


class JobError(HarnessError):
    """A job of the project can't be run as a throw-away copy."""


class JobFileError(JobError):
    """A file that describes jobs, or the bundle around it, can't be read."""

    code = "NBH410"
    about = "a file that describes jobs can't be read"


class JobNotFoundError(JobError):
    """The bundle has no job of that key, or there is no bundle; or a file holds no job, or several."""

    code = "NBH411"
    about = "there is no such job"


class JobVariableError(JobError):
    """A variable of the bundle has no value that can be known here."""

    code = "NBH412"
    about = "a variable of a job has no value"


class JobShapeError(JobError):
    """The settings of a job are none that Databricks would take, such as tasks that wait for each other."""

    code = "NBH413"
    about = "the settings of a job are wrong"


class JobNotebookError(JobError):
    """The notebook or the script of a task, or what its wheel calls, isn't in the project, or is of the other kind."""

    code = "NBH414"
    about = "the file of a task isn't there"


class JobParameterError(JobError):
    """A parameter was given that the job doesn't have, or one that is no text."""

    code = "NBH415"
    about = "a job doesn't take a parameter"


class JobKindError(JobError):
    """A job holds a task of a kind that no copy of it can be run with on a workspace."""

    code = "NBH416"
    about = "a job has a task that a copy can't be run with"


class TaskValuesUnknownError(JobError):
    """A workspace ran the task, and tells its task values to tasks only."""

    code = "NBH417"
    about = "the task values of a task aren't known"
