//! The base layer of the machines: names, timers, randomness, the trace, and the queue of outputs. It imports no machine.

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
pub(crate) mod waiter;
