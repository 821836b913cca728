//! The allowed dependencies: between our packages (the arrows), of pure crates on others (lists), and the feature of planted bugs.

use std::collections::BTreeMap;

/// All packages of the workspace, and those of ours that each may depend on.
const ARROWS: [(&str, &[&str]); 13] = [
    ("offhook-wire", &[]),
    ("offhook", &["offhook-wire"]),
    ("offhook-testkit", &["offhook-wire", "offhook"]),
    ("offhook-media", &["offhook-wire"]),
    ("offhook-exchange", &["offhook-wire"]),
    ("offhook-recorder", &["offhook-wire", "offhook"]),
    ("offhook-tokio", &["offhook-wire", "offhook", "offhook-recorder", "offhook-media", "offhook-exchange"]),
    ("offhook-sim", &["offhook-wire", "offhook", "offhook-media", "offhook-exchange"]),
    (
        "offhook-cli",
        &[
            "offhook-wire",
            "offhook",
            "offhook-recorder",
            "offhook-media",
            "offhook-exchange",
            "offhook-tokio",
        ],
    ),
    (
        "offhook-tests",
        &[
            "offhook-wire",
            "offhook",
            "offhook-recorder",
            "offhook-media",
            "offhook-exchange",
            "offhook-tokio",
            "offhook-sim",
        ],
    ),
    // It attacks a running `offhook` from outside.
    ("offhook-attacks", &["offhook-wire"]),
    (
        "offhook-benches",
        &[
            "offhook-wire",
            "offhook",
            "offhook-recorder",
            "offhook-media",
            "offhook-exchange",
            "offhook-tokio",
            "offhook-sim",
        ],
    ),
    (
        "offhook-fuzz",
        &["offhook-wire", "offhook", "offhook-recorder", "offhook-media", "offhook-exchange", "offhook-sim"],
    ),
];

/// The test kit. All tests may use it; it is not published.
const TESTKIT: &str = "offhook-testkit";

/// The external dependencies that pure crates may have, without those of tests.
const OUTSIDERS: [(&str, &[&str]); 5] = [
    ("offhook-wire", &["bytes", "md-5", "memchr", "rsip", "sdp-types", "sha2", "thiserror"]),
    ("offhook", &["bytes", "foldhash", "rand_chacha", "slab", "thiserror"]),
    (
        "offhook-media",
        &[
            "audio-codec-algorithms",
            "bytes",
            "dimpl",
            "fastrand",
            "hound",
            "opus-rs",
            "rand_chacha",
            "sdp-types",
            "str0m",
            "thiserror",
        ],
    ),
    ("offhook-exchange", &["bytes", "rand_chacha", "sha2"]),
    ("offhook-recorder", &["bytes", "thiserror"]),
];

/// The feature of the core that plants bugs, for the simulator to find.
const PLANTED: &str = "planted";

/// The relevant parts of a manifest.
pub(crate) struct Package {
    name: String,
    published: bool,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

struct Dependency {
    name: String,
    for_tests_only: bool,
    features: Vec<String>,
}

impl From<&cargo_metadata::Package> for Package {
    fn from(package: &cargo_metadata::Package) -> Package {
        let dependency = |d: &cargo_metadata::Dependency| Dependency {
            name: d.name.clone(),
            for_tests_only: d.kind == cargo_metadata::DependencyKind::Development,
            features: d.features.clone(),
        };
        Package {
            name: package.name.to_string(),
            published: package.publish.as_ref().is_none_or(|registries| !registries.is_empty()),
            dependencies: package.dependencies.iter().map(dependency).collect(),
            features: package.features.clone().into_iter().collect(),
        }
    }
}

/// One violation for each dependency between our packages that is not allowed.
pub(crate) fn directions(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            complaints.push(format!("{} is missing in ARROWS: add it with its dependencies", package.name));
            continue;
        };
        let ours = |d: &&Dependency| ARROWS.iter().any(|(name, _)| *name == d.name);
        let for_tests = |d: &Dependency| d.name == TESTKIT && (d.for_tests_only || !package.published);
        for dependency in package
            .dependencies
            .iter()
            .filter(ours)
            .filter(|d| !allowed.contains(&d.name.as_str()) && !for_tests(d))
        {
            complaints.push(format!("{} must not depend on {}", package.name, dependency.name));
        }
    }
    complaints
}

/// One violation for each unlisted external dependency of a pure crate.
pub(crate) fn unlisted(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let Some((_, allowed)) = OUTSIDERS.iter().find(|(name, _)| *name == package.name) else { continue };
        for dependency in package.dependencies.iter().filter(|d| !d.for_tests_only) {
            let ours = ARROWS.iter().any(|(name, _)| *name == dependency.name);
            if !ours && !allowed.contains(&dependency.name.as_str()) {
                complaints
                    .push(format!("{} depends on {}, which is not listed", package.name, dependency.name));
            }
        }
    }
    complaints
}

/// One violation for each way in which a published crate could enable planted bugs.
pub(crate) fn planted(packages: &[Package]) -> Vec<String> {
    let enables = |feature: &String| feature == PLANTED || feature.ends_with(&format!("/{PLANTED}"));
    let mut complaints = Vec::new();
    for package in packages.iter().filter(|package| package.published) {
        for (feature, enabled) in &package.features {
            if feature != PLANTED && enabled.iter().any(enables) {
                complaints.push(format!("feature {feature} of {} enables {PLANTED}", package.name));
            }
        }
        for dependency in package.dependencies.iter().filter(|d| !d.for_tests_only) {
            if dependency.features.iter().any(enables) {
                complaints.push(format!("{} enables {PLANTED} of {}", package.name, dependency.name));
            }
        }
    }
    complaints
}

fn sample(name: &str, published: bool, dependencies: &[(&str, bool, &[&str])]) -> Package {
    let dependency = |(name, for_tests_only, features): &(&str, bool, &[&str])| Dependency {
        name: (*name).to_owned(),
        for_tests_only: *for_tests_only,
        features: features.iter().map(|f| (*f).to_owned()).collect(),
    };
    let dependencies = dependencies.iter().map(dependency).collect();
    Package { name: name.to_owned(), published, dependencies, features: BTreeMap::new() }
}

#[test]
fn reversed_dependency_is_a_violation() {
    let bad = [
        sample("offhook-wire", true, &[("offhook", false, &[])]),
        sample("offhook-exchange", true, &[("offhook", true, &[]), ("bytes", false, &[])]),
        sample("offhook-attic", false, &[]),
    ];
    let complaints = directions(&bad);
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(directions(&[sample("offhook", true, &[("offhook-wire", false, &[])])]).is_empty());
    let tests = [
        sample("offhook", true, &[("offhook-testkit", true, &[])]),
        sample("offhook-benches", false, &[("offhook-testkit", false, &[])]),
    ];
    assert!(directions(&tests).is_empty());
    let published = sample("offhook-cli", true, &[("offhook-testkit", false, &[])]);
    assert_eq!(directions(&[published]), ["offhook-cli must not depend on offhook-testkit"]);
}

#[test]
fn unlisted_crate_is_a_violation() {
    let bad =
        sample("offhook", true, &[("tokio", false, &[]), ("proptest", true, &[]), ("bytes", false, &[])]);
    assert_eq!(unlisted(&[bad]), ["offhook depends on tokio, which is not listed"]);
}

#[test]
fn planted_bug_in_a_published_crate_is_a_violation() {
    let mut by_feature = sample("offhook", true, &[]);
    by_feature.features.insert("default".to_owned(), vec![PLANTED.to_owned()]);
    by_feature.features.insert(PLANTED.to_owned(), Vec::new());
    let by_dependency = sample("offhook-cli", true, &[("offhook", false, &[PLANTED])]);
    let in_the_simulator = sample("offhook-sim", false, &[("offhook", false, &[PLANTED])]);
    assert_eq!(planted(&[by_feature, by_dependency, in_the_simulator]).len(), 2);
}
