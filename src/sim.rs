//! A Fly to try it all on: machines, traffic and faults, over real HTTP.
