"""Prefect flows: one file a workflow; each body reads as the steps of the job."""
