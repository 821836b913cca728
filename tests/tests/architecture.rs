//! Checks the rules of ARCHITECTURE.md.
//!
//! Each file under `architecture/` has one kind of rule, as a function from facts to violations, with a test on a small bad sample. This
//! file applies them to this repository.

#[path = "architecture/arrows.rs"]
mod arrows;
#[path = "architecture/files.rs"]
mod files;
#[path = "architecture/functions.rs"]
mod functions;
#[path = "architecture/layers.rs"]
mod layers;
#[path = "architecture/licences.rs"]
mod licences;
#[path = "architecture/purity.rs"]
mod purity;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/ways.rs"]
mod ways;

use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};

/// The packages that never touch a socket, a thread, a clock or ambient randomness.
const PURE: [&str; 5] = ["offhook-wire", "offhook", "offhook-recorder", "offhook-media", "offhook-exchange"];

#[test]
fn dependencies_follow_the_diagram() {
    assert_no_violations(arrows::directions(&packages()));
}

#[test]
fn pure_crates_depend_on_listed_crates_only() {
    assert_no_violations(arrows::unlisted(&packages()));
}

#[test]
fn an_invite_and_a_hold_take_the_ways_of_architecture_md() {
    let root = root();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).ok();
    assert_no_violations(ways::broken(&text, "From the socket", 12, read));
    assert_no_violations(ways::broken(&text, "From the command to hold", 10, read));
}

#[test]
fn published_crates_do_not_enable_planted_bugs() {
    assert_no_violations(arrows::planted(&packages()));
}

#[test]
fn core_imports_follow_the_layers() {
    let tree = tree();
    let sources = tree.files.iter().filter(|file| !file.test_only);
    let sources = sources.map(|file| (file.shown.as_str(), file.text.as_str()));
    let modules = layers::Modules::of("crates/core/src", sources);
    assert_no_violations([modules.upward(), modules.cycles()].concat());
}

#[test]
fn no_crate_has_a_cycle_of_imports() {
    let tree = tree();
    let mut packages: Vec<&str> = tree
        .files
        .iter()
        .filter_map(|file| file.shown.split_once("/src/"))
        .map(|(package, _)| package)
        .collect();
    packages.dedup();
    let mut violations = Vec::new();
    for package in packages {
        let sources = tree.files.iter().filter(|file| !file.test_only);
        let sources = sources.map(|file| (file.shown.as_str(), file.text.as_str()));
        violations.extend(layers::Modules::of(&format!("{package}/src"), sources).cycles());
    }
    assert_no_violations(violations);
}

#[test]
fn pure_crates_use_no_impure_names() {
    let mut violations = Vec::new();
    for file in tree().files.iter().filter(|file| PURE.contains(&file.package.as_str()) && !file.test_only) {
        violations.extend(purity::scan(&file.shown, &file.text));
    }
    assert_no_violations(violations);
}

#[test]
fn files_are_within_the_length_limit() {
    assert_no_violations(tree().files.iter().filter_map(files::too_long).collect());
}

#[test]
fn functions_are_short() {
    let tree = tree();
    let sources = tree.files.iter().filter(|file| !file.test_only);
    assert_no_violations(sources.flat_map(|file| functions::too_long(&file.shown, &file.text)).collect());
}

#[test]
fn all_source_files_belong_to_a_target() {
    assert_no_violations(files::unreached(&tree()));
}

#[test]
fn no_ignored_tests_and_no_allowed_dead_code() {
    assert_no_violations(tree().files.iter().flat_map(files::ignored_or_dead).collect());
}

#[test]
fn licences_are_allowed() {
    let host = host_triple();
    let mut command = MetadataCommand::new();
    let command = command.current_dir(root()).other_options(vec!["--filter-platform".to_owned(), host]);
    let metadata = command.exec().expect("cargo metadata runs");
    let policy = licences::Policy::read(
        &std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there"),
    );
    assert!(metadata.packages.len() > 50, "the whole tree was read");
    assert_no_violations(
        metadata.packages.iter().filter_map(|p| policy.complaint(&p.name, p.license.as_deref())).collect(),
    );
}

fn assert_no_violations(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// The manifests of the workspace.
fn manifests() -> Vec<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().features(CargoOpt::AllFeatures);
    vec![command.exec().expect("cargo metadata runs")]
}

fn packages() -> Vec<arrows::Package> {
    let packages: Vec<_> = manifests().iter().flat_map(|m| &m.packages).map(arrows::Package::from).collect();
    assert!(packages.len() >= PURE.len() + 5, "all packages of the workspace were found");
    packages
}

fn tree() -> files::Tree {
    let tree = files::Tree::walk(&root(), &manifests());
    assert!(tree.files.len() >= 9, "the sources were found");
    tree
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("tests are in a folder of the workspace").to_owned()
}

fn host_triple() -> String {
    let output = std::process::Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc prints UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host triple").to_owned()
}
