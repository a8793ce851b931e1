"""``%load_ext decart_nb`` in real kernels: pasted ``asyncio.run(main())`` runs, also where an old patch is in place."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from .conftest import OPENING
from .notebook import Notebook

#: As Decart's documentation has it, but for the key and the address.
_PROGRAM = """
import asyncio
from decart_nb import DecartClient, models

async def main():
    async with DecartClient(api_key=queue.api_key, base_url=queue.base_url) as client:
        request = {"model": models.video("lucy-pro-t2v"), "prompt": "A cat playing piano in a cozy living room"}
STEPS
asyncio.run(main())
"""
_SUBMIT_AND_POLL = """
on_status_change = lambda job: print(f"Status: {job.status}")
result = await client.queue.submit_and_poll({**request, "on_status_change": on_status_change})
if result.status == "completed":
    with open("output_NUMBER.mp4", "wb") as f:
        f.write(result.data)
else:
    print(f"Job failed: {result.error}")
"""
#: The documentation's other way; the first waits for seconds before it polls.
_POLL = """
job = await client.queue.submit(request)
status = await client.queue.status(job.job_id)
while status.status not in ("completed", "failed"):
    await asyncio.sleep(0.05)
    status = await client.queue.status(job.job_id)
print(f"Status: {status.status}")
with open("output_NUMBER.mp4", "wb") as f:
    f.write(await client.queue.result(job.job_id))
"""
_OWN = [
    "clip = dnb.generate('lucy-pro-t2v', prompt='blocking')",
    "job = dnb.submit('lucy-pro-t2v', prompt='awaiting')\nclip = await job",
    "job = dnb.submit('lucy-pro-t2v', prompt='submitting')",
]


def _pasted(steps: str, number: int) -> str:
    return _PROGRAM.replace("STEPS", indent(steps.replace("NUMBER", str(number)), " " * 8))


def test_tab_completes_calls_as_soon_as_the_package_is_imported(notebook):
    assert notebook.complete('dnb.generate("lucy-mo') == ["lucy-motion"]
    assert "self_anchor=" in notebook.complete('clip = dnb.generate(\n    "lucy-2.5",\n    self')
    made = notebook.run('print(dnb.generate("lucy-pro-t2v", prompt="tab").job_id)').stream("stdout").strip()
    assert notebook.complete('dnb.attach("')[0] == made


def test_run_all_of_pasted_code_and_the_package_beside_it(notebook, small_video):
    pasted = [_pasted(_POLL if number % 5 else _SUBMIT_AND_POLL, number) for number in range(10)]
    cells = notebook.run_all(["%load_ext decart_nb", *pasted, *_OWN])
    assert [cell.error for cell in cells] == [""] * 14
    notebook.until(lambda: all(cell.videos for cell in cells[11:]))
    assert [path.read_bytes() for path in notebook.folder.glob("output_?.mp4")] == [small_video.read_bytes()] * 10
    for cell in cells[1:11]:
        assert cell.stream("stdout").splitlines()[-1] == "Status: completed"
    assert [len(cell.videos) for cell in cells] == [0] * 11 + [1] * 3
    assert [cell.stream("stderr") for cell in cells] == [""] * 14
    assert notebook.strays == []


def test_tab_offers_the_models(notebook):
    notebook.run("%load_ext decart_nb")
    assert "lucy-2.5" in notebook.complete("%%decart lu")


def test_an_old_patch_is_told_once_where_it_hangs(kernel: Path, folder: Path):
    with Notebook.opened(kernel, folder) as notebook:
        seven = notebook.run("import ipykernel\nprint(ipykernel.version_info[0] >= 7)").stream("stdout") == "True\n"
        codes = ["import nest_asyncio\nnest_asyncio.apply()", OPENING, "%load_ext decart_nb", OPENING]
        said = "".join(notebook.run(code).stream("stderr") for code in codes)
    assert said.count("NestingWarning") == seven
    assert said.count("Remove nest_asyncio.apply() and restart the kernel") == seven
