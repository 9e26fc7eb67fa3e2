//! Every sysctl of the simulated kernel is set by a script, so that its effect is compared with the real one's.

use std::fs;
use std::path::Path;

use farewell::tcp::sysctl::KEYS;
use libtest_mimic::{Failed, Trial};

use crate::collect;

/// Sysctls that no script sets: `tests.rs` of the library's `tcp` shows what they do. How much a write takes depends
/// in Linux on the memory of its buffers, and packetdrill's device keeps small segments from being merged.
const WITHOUT_SCRIPT: [&str; 2] = ["tcp_wmem", "tcp_retrans_collapse"];

/// The test; `directory` holds the scripts.
pub(crate) fn trial(directory: &Path) -> Trial {
    let directory = directory.to_owned();
    Trial::test("every sysctl is set by a script", move || {
        let mut scripts = Vec::new();
        collect(&directory, &mut scripts)?;
        let texts = scripts.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
        let sysctls = KEYS.iter().map(|key| key.name).filter(|name| name.starts_with("tcp_") || *name == "somaxconn");
        for name in sysctls.filter(|name| !WITHOUT_SCRIPT.contains(name)) {
            if !texts.iter().any(|text| text.contains(&format!(".{name}="))) {
                return Err(Failed::from(format!("no script sets {name}")));
            }
        }
        Ok(())
    })
}
