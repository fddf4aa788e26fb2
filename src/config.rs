//! Text to a configuration, or every mistake in it at once.
