"""Drives a client of Decart's queue, the official one or ours: cases in JSON on stdin, outcomes in JSON on stdout.

Run with the client's interpreter, and the package's name (``decart`` or ``decart_nb``) as its argument.
"""

import asyncio
import importlib
import json
import sys
from pathlib import Path

client_library = importlib.import_module(sys.argv[1])
models = client_library.models

FORMS = {"bytes": Path.read_bytes, "path": Path, "text": str, "file": lambda path: path.open("rb")}


def keep(case, video):
    Path(case["target"]).write_bytes(video)


async def by_hand(client, case, options):
    """Submit, poll and download with one call each."""
    job = await client.queue.submit(options)
    statuses = [job.status]
    while statuses[-1] not in ("completed", "failed"):
        await asyncio.sleep(0.2)
        statuses.append((await client.queue.status(job.job_id)).status)
    keep(case, await client.queue.result(job.job_id))
    return {"statuses": statuses, "result": statuses[-1]}


async def at_once(client, case, options):
    """Use the client's ``submit_and_poll``."""
    told = []
    result = await client.queue.submit_and_poll({**options, "on_status_change": told.append})
    if result.status == "completed":
        keep(case, result.data)
    statuses = [job.status for job in told]
    return {"statuses": statuses, "result": result.status, "jobs": len({job.job_id for job in told})}


async def submit(client, case, options):
    return {"result": (await client.queue.submit(options)).status}


async def status(client, case, options):
    return {"result": (await client.queue.status(case["job_id"])).status}


async def result(client, case, options):
    return {"result": len(await client.queue.result(case["job_id"]))}


async def early(client, case, options):
    """Ask for the video right after the submission."""
    job = await client.queue.submit(options)
    return {"result": len(await client.queue.result(job.job_id))}


WAYS = {way.__name__: way for way in (by_hand, at_once, submit, status, result, early)}


async def outcome(client, case):
    options = dict(case.get("inputs", {}))
    files = {name: FORMS[form](Path(path)) for name, (path, form) in case.get("files", {}).items()}
    try:
        model = None
        if "custom" in case:
            model = client_library.ModelDefinition(**case["custom"])
        elif "model" in case:
            model = models.video(case["model"])
        shape = {key: getattr(model, key) for key in ("width", "height", "fps")} if model else {}
        return shape | await WAYS[case["way"]](client, case, {"model": model, **options, **files})
    except client_library.DecartSDKError as error:
        return {"error": type(error).__name__, "status": error.data.get("status"), "message": error.message}
    finally:
        for file in files.values():
            if hasattr(file, "close"):
                file.close()


async def main():
    asked = json.load(sys.stdin)
    async with client_library.DecartClient(api_key=asked["api_key"], base_url=asked["base_url"]) as client:
        return await asyncio.gather(*(outcome(client, case) for case in asked["cases"]))


print(json.dumps(asyncio.run(main())))
