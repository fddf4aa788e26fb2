//! machines_api
