"""Settings: how the installation stands, who may do what, and what could not be taken in.

Managers read; administrators change. Stops of sending and refused rows are managers' work.
"""

from fastapi import APIRouter

from console.pages.settings import banks, creditors, keys, people, refused, state, stops, troubles, webhooks

router = APIRouter()
for room in (state, creditors, banks, stops, refused, troubles, people, keys, webhooks):
    router.include_router(room.router, prefix="/settings")
