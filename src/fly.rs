//! Fly over HTTP: the Machines API and the release look-up.
