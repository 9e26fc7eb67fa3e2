//! The simulated kernel's TCP socket, as Linux does it, sans-IO. Knows nothing of XMPP, links or the ledger.

pub mod sysctl;
