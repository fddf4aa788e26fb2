//! One tick of one app: observe, collect, evaluate, decide, act, remember.
