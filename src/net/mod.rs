//! The network: addresses, TCP segments as values, packets, and links that delay, drop and reorder them.
//! Knows nothing of TCP states.

pub mod addr;
pub mod link;
pub mod packet;
pub mod profile;
pub mod segment;
