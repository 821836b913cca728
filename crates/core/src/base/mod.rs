//! What the machines stand on: names, time, randomness, the trace, and the queue of outputs. Nothing here knows a machine.

pub(crate) mod bounds;
pub(crate) mod cx;
pub(crate) mod decimal;
pub(crate) mod entropy;
pub(crate) mod machine;
pub(crate) mod marks;
pub(crate) mod name;
pub(crate) mod path;
pub(crate) mod timers;
pub(crate) mod trace;
