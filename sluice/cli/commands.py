"""Registers every command with the app."""

import typer

from sluice.cli import (
    audit,
    classify,
    datasets,
    db,
    demo,
    infer,
    jobs,
    keys,
    load,
    probe,
    quality,
    read,
    rejects,
    replay,
    rows,
    service,
    subject,
    trace,
)


def register(app: typer.Typer) -> None:
    """Add the commands in the order in which the help lists them."""
    app.command("demo")(demo.demo)
    app.command("load")(load.load)
    app.command("read")(read.read)
    app.command("infer")(infer.infer)
    app.command("probe")(probe.probe)
    app.command("classify")(classify.classify)
    app.command("jobs")(jobs.jobs)
    app.command("rejects")(rejects.rejects)
    app.command("replay")(replay.replay)
    app.command("rows")(rows.rows)
    app.command("trace")(trace.trace)
    app.add_typer(datasets.app, name="datasets")
    app.command("docs")(quality.docs)
    app.command("upload")(service.upload)
    app.command("watch")(service.watch)
    app.command("token")(service.token)
    app.command("serve")(service.serve)
    app.add_typer(audit.app, name="audit")
    app.add_typer(keys.app, name="keys")
    app.add_typer(subject.app, name="subject")
    app.add_typer(db.app, name="db")
