//! What is served: metrics, health, readiness and status.
