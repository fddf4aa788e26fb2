//! prometheus_api
