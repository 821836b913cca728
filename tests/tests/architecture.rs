//! The picture of the house in ARCHITECTURE.md, held by a test.
//!
//! Each room under `architecture/` holds one kind of promise as a function from facts to complaints, and shows on a
//! small bad sample that it can complain. This file feeds them the facts of this repository.

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

use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};

/// The packages that never touch a socket, a thread, a clock or ambient randomness.
const PURE: [&str; 5] = ["offhook-wire", "offhook", "offhook-recorder", "offhook-media", "offhook-exchange"];

#[test]
fn arrows_point_one_way() {
    expect_silence(arrows::directions(&packages()));
}

#[test]
fn pure_crates_depend_on_listed_crates_only() {
    expect_silence(arrows::outsiders(&packages()));
}

#[test]
fn no_published_crate_enables_planted_bugs() {
    expect_silence(arrows::planted(&packages()));
}

#[test]
fn the_core_imports_downward_only() {
    let tree = tree();
    let sources = tree.files.iter().filter(|file| !file.test_only);
    let sources = sources.map(|file| (file.shown.as_str(), file.text.as_str()));
    let modules = layers::Modules::of("crates/core/src", sources);
    expect_silence([modules.upward(), modules.cycles()].concat());
}

#[test]
fn no_crate_imports_in_a_circle() {
    let tree = tree();
    let mut packages: Vec<&str> = tree
        .files
        .iter()
        .filter_map(|file| file.shown.split_once("/src/"))
        .map(|(package, _)| package)
        .collect();
    packages.dedup();
    let mut complaints = Vec::new();
    for package in packages {
        let sources = tree.files.iter().filter(|file| !file.test_only);
        let sources = sources.map(|file| (file.shown.as_str(), file.text.as_str()));
        complaints.extend(layers::Modules::of(&format!("{package}/src"), sources).cycles());
    }
    expect_silence(complaints);
}

#[test]
fn pure_crates_name_nothing_impure() {
    let mut complaints = Vec::new();
    for file in tree().files.iter().filter(|file| PURE.contains(&file.package.as_str()) && !file.test_only) {
        complaints.extend(purity::scan(&file.shown, &file.text));
    }
    expect_silence(complaints);
}

#[test]
fn files_are_short() {
    expect_silence(tree().files.iter().filter_map(files::too_long).collect());
}

#[test]
fn functions_are_short() {
    let tree = tree();
    let sources = tree.files.iter().filter(|file| !file.test_only);
    expect_silence(sources.flat_map(|file| functions::too_long(&file.shown, &file.text)).collect());
}

#[test]
fn every_source_file_belongs_to_a_target() {
    expect_silence(files::dead(&tree()));
}

#[test]
fn no_test_is_ignored_and_no_dead_code_is_allowed() {
    expect_silence(tree().files.iter().flat_map(files::swept_under_the_carpet).collect());
}

#[test]
fn licences_are_allowed_ones() {
    let host = host_triple();
    let mut command = MetadataCommand::new();
    let command = command.current_dir(root()).other_options(vec!["--filter-platform".to_owned(), host]);
    let metadata = command.exec().expect("cargo metadata runs");
    let policy = licences::Policy::read(
        &std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there"),
    );
    assert!(metadata.packages.len() > 50, "the whole tree was read");
    expect_silence(
        metadata.packages.iter().filter_map(|p| policy.complaint(&p.name, p.license.as_deref())).collect(),
    );
}

fn expect_silence(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The manifests of the workspace.
fn manifests() -> Vec<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().features(CargoOpt::AllFeatures);
    vec![command.exec().expect("cargo metadata runs")]
}

fn packages() -> Vec<arrows::Package> {
    let packages: Vec<_> = manifests().iter().flat_map(|m| &m.packages).map(arrows::Package::from).collect();
    assert!(packages.len() >= PURE.len() + 5, "all packages of the house were found");
    packages
}

fn tree() -> files::Tree {
    let tree = files::Tree::walk(&root(), &manifests());
    assert!(tree.files.len() >= 9, "the sources were found");
    tree
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the tests live in a folder of the workspace").to_owned()
}

fn host_triple() -> String {
    let output = std::process::Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}
