//! The network: addresses, TCP segments as values, packets, links that delay, drop and reorder them, and what
//! befalls those.
//! Knows nothing of TCP states.

pub mod addr;
pub mod bandwidth;
pub mod disturbance;
pub mod firewall;
mod latency;
pub mod link;
pub mod loss;
pub mod middlebox;
pub mod notation;
pub mod packet;
pub mod profile;
pub mod proxy;
pub mod segment;
pub mod wire;
