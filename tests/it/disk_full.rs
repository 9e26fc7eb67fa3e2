//! A full disk fails the run with status 1, is named, and leaves nothing half-written.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Bench, bytes_of, one_class, skip, text};

/// A file system of 192 KiB, gone when dropped.
struct Small(PathBuf);

impl Small {
    /// Only root can mount one, and not in every container.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).expect("a directory to mount on");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=192k", "none"]).arg(at).output().ok()?;
        mount.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "{} is still mounted", self.0.display());
    }
}

/// Writes streams.csv, which alone is larger than the disk.
const TOO_MUCH: [&str; 8] = ["compare", "kernel-teardown", "--peers", "1500", "--streams", "--quiet", "--jobs", "1"];

fn fails_naming(bench: &Bench, args: &[&str], path: &str) {
    let output = bench.run(args);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "farewell {args:?}: {err}");
    assert!(err.contains(path) && err.contains("No space left on device"), "farewell {args:?}: {err}");
}

#[test]
fn results_that_do_not_fit_leave_the_disk_as_it_was() {
    let bench = Bench::new();
    let Some(_disk) = Small::mount(&bench.path("small")) else {
        return skip("disk_full", "a tmpfs cannot be mounted here");
    };
    fails_naming(&bench, &[&TOO_MUCH[..], &["--out", "small/new/dir"]].concat(), "small/new/dir");
    assert!(bytes_of(&bench.path("small")).is_empty() && !bench.path("small/new").exists());
    // With the results of an earlier run in place, those stay.
    bench.succeed(&["compare", "kernel-teardown", "--peers", "5", "--quiet", "--out", "small/old"]);
    let before = bytes_of(&bench.path("small/old"));
    fails_naming(&bench, &[&TOO_MUCH[..], &["--out", "small/old"]].concat(), "small/old");
    assert!(bytes_of(&bench.path("small/old")) == before);
    // Nor does a capture leave a beginning.
    bench.file("busy.toml", &one_class(1, "20ms", 600.0, "compliant", ""));
    fails_naming(&bench, &["trace", "busy.toml", "--pcap", "small/long.pcap"], "small/long.pcap");
    assert!(bytes_of(&bench.path("small")).keys().all(|name| name.starts_with("old/")));
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let full = Path::new("/dev/full");
    let before = std::fs::metadata(full).expect("/dev/full");
    let bench = Bench::new();
    let trace = ["trace", "kernel-teardown", "--set", "peers=1", "--pcap"];
    fails_naming(&bench, &[&trace[..], &["/dev/full"]].concat(), "/dev/full");
    assert!(!Path::new("/dev/full.tmp").exists());
    assert_eq!(std::fs::metadata(full).expect("/dev/full").file_type(), before.file_type());
    bench.succeed(&[&trace[..], &["/dev/null"]].concat());
    // A link is followed, not replaced.
    let target = bench.file("target.pcap", "");
    std::os::unix::fs::symlink(&target, bench.path("link.pcap")).expect("a link");
    bench.succeed(&[&trace[..], &["link.pcap"]].concat());
    assert!(bench.path("link.pcap").is_symlink());
    assert!(std::fs::metadata(target).expect("the target").len() > 24, "a header and packets");
}

#[test]
fn a_full_disk_behind_standard_output_fails_every_command() {
    for args in [
        &["list"][..],
        &["schema"],
        &["check", "kernel-teardown"],
        &["trace", "kernel-teardown", "--set", "peers=1"],
        &["compare", "kernel-teardown", "--peers", "1"],
        &["compare", "kernel-teardown", "--peers", "1", "--json"],
        &["--help"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let bench = Bench::new();
        let output = bench.farewell(args).stdout(full).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(1), "farewell {args:?}: {}", text(&output.stderr));
    }
}
