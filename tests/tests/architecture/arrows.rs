//! Which package may lean on which: our own (the arrows), others' (the pure crates' lists), and planted bugs.

use std::collections::BTreeMap;

/// Every package of the workspace, and on which of ours it may depend, for whatever purpose.
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

/// What holds the tests' phones and peers. Anyone's tests may use it; it is no part of what is published.
const TESTKIT: &str = "offhook-testkit";

/// What a pure crate may take from others, tests aside.
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

/// What the rules need to know of a manifest.
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

/// One complaint for each dependency between our packages that the house does not know.
pub(crate) fn directions(packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            complaints
                .push(format!("{} has no place in the house: say where it belongs in ARROWS", package.name));
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

/// One complaint for each dependency of a pure crate on somebody else's crate that is not listed.
pub(crate) fn outsiders(packages: &[Package]) -> Vec<String> {
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

/// One complaint for each way by which a published crate could carry planted bugs.
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
fn a_turned_arrow_is_seen() {
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
fn an_unlisted_crate_is_seen() {
    let bad =
        sample("offhook", true, &[("tokio", false, &[]), ("proptest", true, &[]), ("bytes", false, &[])]);
    assert_eq!(outsiders(&[bad]), ["offhook depends on tokio, which is not listed"]);
}

#[test]
fn a_planted_bug_in_a_published_crate_is_seen() {
    let mut by_feature = sample("offhook", true, &[]);
    by_feature.features.insert("default".to_owned(), vec![PLANTED.to_owned()]);
    by_feature.features.insert(PLANTED.to_owned(), Vec::new());
    let by_dependency = sample("offhook-cli", true, &[("offhook", false, &[PLANTED])]);
    let in_the_simulator = sample("offhook-sim", false, &[("offhook", false, &[PLANTED])]);
    assert_eq!(planted(&[by_feature, by_dependency, in_the_simulator]).len(), 2);
}
