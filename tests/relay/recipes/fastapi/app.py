import asyncio
import itertools
import random

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def prices():
    price = 100.0
    for number in itertools.count(1):
        price += random.gauss(0, 1)
        yield f"id: {number}\ndata: {price:.3f}\n\n"
        await asyncio.sleep(0.2)


@app.get("/prices")
async def stream():
    return StreamingResponse(prices(), media_type="text/event-stream")
