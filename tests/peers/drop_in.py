"""A program for Decart's own client. Nothing but the import changes when it runs on ours."""

import asyncio
import hashlib
import os

from decart import DecartClient, models


async def main():
    statuses = set()
    async with DecartClient(base_url=os.environ["QUEUE_URL"]) as client:
        result = await client.queue.submit_and_poll(
            {
                "model": models.video("lucy-pro-t2v"),
                "prompt": "A paper boat sails down a rainy street",
                "resolution": "480p",
                "seed": 7,
                "on_status_change": lambda job: statuses.add(job.status),
            }
        )
        print("told:", *sorted(statuses - {"processing"}))  # whether a poll falls into the render is chance

        job = await client.queue.submit(
            {
                "model": models.video("lucy-pro-v2v"),
                "prompt": "Make it a watercolour",
                "data": os.environ["VIDEO"],
                "seed": 7,
                "enhance_prompt": False,
            }
        )
        status = job.status
        while status != "completed":
            await asyncio.sleep(0.2)
            status = (await client.queue.status(job.job_id)).status
        edited = await client.queue.result(job.job_id)

    print("result:", result.status)
    for video in (result.data, edited):
        print("mp4:", video[4:8] == b"ftyp", hashlib.sha256(video).hexdigest())


if __name__ == "__main__":
    asyncio.run(main())
