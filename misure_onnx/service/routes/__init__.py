"""What the service answers, a file a resource."""

from fastapi import APIRouter

from misure_onnx.service.routes import explanations, health, listings, outcomes, predictions

ROUTERS: tuple[APIRouter, ...] = (
    explanations.router,
    outcomes.router,
    predictions.router,
    listings.router,
    health.router,
)
