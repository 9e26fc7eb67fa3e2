//! The command line without a process: arguments in, text and status out.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::*;

/// Status, standard output and standard error of a command line.
fn farewell(arguments: &[&str]) -> (ExitCode, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let line = std::iter::once("farewell").chain(arguments.iter().copied());
    let status = run(line, &mut stdout, &mut stderr);
    (status, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn bad() -> ExitCode {
    ExitCode::from(BAD_INPUT)
}

#[test]
fn the_options_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["compare", "--help"], &["help", "trace"]] {
        let (status, stdout, stderr) = farewell(arguments);
        assert_eq!((status, stderr.as_str()), (ExitCode::SUCCESS, ""), "{arguments:?}");
        assert!(!stdout.is_empty());
    }
}

#[test]
fn every_help_line_is_imperative_and_ends_without_a_full_stop() {
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty() && !help.ends_with('.'), "{} {}: {help}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn bad_arguments_are_status_2_and_say_nothing_on_standard_output() {
    for arguments in [
        &[][..],
        &["comprae"],
        &["check"],
        &["check", "no-such-scenario"],
        &["check", "idle-c2s", "--set", "peers"],
        &["compare", "--seeds", "0"],
        &["compare", "--jobs", "-1"],
        &["compare", "--engine", "steam"],
        &["compare", "--json", "--quiet"],
        &["trace", "idle-c2s", "--stream", "-1"],
        &["list", "everything"],
    ] {
        let (status, stdout, stderr) = farewell(arguments);
        assert_eq!((status, stdout.as_str()), (bad(), ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn check_says_what_would_run() {
    let (status, stdout, stderr) = farewell(&["check", "kernel-teardown", "--vary", "links.wire.loss=0,0.05"]);
    assert_eq!((status, stderr.as_str()), (ExitCode::SUCCESS, ""));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "kernel-teardown: the scenario is valid",
            "peers       1500 client streams on 1 node",
            "time        60s simulated, minimal negotiation",
            "arrivals    0s to 25s",
            "closing     by the server, 2s to 3s after the stream is up",
            "strategies  handshake",
            "            timeout-error",
            "classes     all (100.0 %): waits-for-fin; 20ms, loss 0; client writes 2 a second",
            "fastest     20ms one way",
            "sweep       2 points over links.wire.loss; the above is the first",
        ]
    );
}

#[test]
fn check_prints_the_resolved_scenario() {
    let (_, stdout, _) = farewell(&["check", "kernel-teardown", "--json", "--set", "peers=3"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&json["peers"], &json["nodes"]), (&3.into(), &1.into()));
}

#[test]
fn list_names_everything_that_a_scenario_may_name() {
    let (status, stdout, _) = farewell(&["list"]);
    assert_eq!(status, ExitCode::SUCCESS);
    let names = ["misbehaving", "ping-then-handshake", "writes-after-close", "smack-4.5", "s2s-intercontinental"];
    for name in names {
        assert!(stdout.contains(name), "{name}");
    }
    let (_, only, _) = farewell(&["list", "links"]);
    assert!(only.starts_with("links:\n  lan ") && !only.contains("smack"), "{only}");
}

#[test]
fn options_become_changes_in_their_order_of_strength() {
    let line = "farewell compare x --set seed=3 --seed 4 --strategy a --strategy b --peers 7";
    let Command::Compare(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
        panic!("compare was asked for");
    };
    let expected = [
        Change::Set("seed=3".into()),
        Change::Option { option: "--peers", key: "peers", value: "7".into() },
        Change::Option { option: "--seed", key: "seed", value: "4".into() },
        Change::strategies(vec!["a".into(), "b".into()]),
    ];
    assert_eq!(args.changes(), expected);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut stderr = Vec::new();
    assert_eq!(run(["farewell", "list"], &mut Closed, &mut stderr), ExitCode::SUCCESS);
    assert!(stderr.is_empty());
}
