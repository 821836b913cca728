//! Identifiers of flows.

/// Identifies a flow. The host assigns the ids of connections and never reuses one after the connection went down; the exchange assigns
/// those of flows of datagrams, from [`FlowId::DATAGRAMS`] up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

impl FlowId {
    /// The first id of a flow of datagrams. The host's ids are below it.
    pub const DATAGRAMS: u64 = 1 << 40;
}
