//! One broken scenario for each mistake, with what `farewell check` says of it: status and text, word by word.
//! `TRYCMD=overwrite cargo test --test scenario_errors` writes the texts anew; read them before committing.

#[test]
fn every_mistake_is_explained() {
    trycmd::TestCases::new().case("tests/bad/*.trycmd");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the order of the directory does not matter here")]
fn no_broken_scenario_is_forgotten() {
    for entry in std::fs::read_dir("tests/bad").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            assert!(path.with_extension("trycmd").exists(), "{} has no .trycmd beside it", path.display());
        }
    }
}
