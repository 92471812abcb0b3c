"""Journeys through the job service, against the live platform."""
