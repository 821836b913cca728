//! Source files: their targets and their length.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Target, TargetKind};

use super::source::{self, Token};

/// The greatest number of lines of a file, without tests.
const MAX_LINES: usize = 600;

/// All Rust sources below the root of the workspace.
pub(crate) struct Tree {
    /// The files that a target reaches by `mod` or `include!`, each once.
    pub(crate) files: Vec<File>,
    /// All files in the folders of packages.
    present: BTreeSet<PathBuf>,
}

/// One source file.
pub(crate) struct File {
    pub(crate) package: String,
    path: PathBuf,
    /// The path relative to the root of the workspace.
    pub(crate) shown: String,
    pub(crate) text: String,
    /// Whether it is compiled for tests only.
    pub(crate) test_only: bool,
}

impl Tree {
    /// Reads every source file of the packages and follows the targets' modules.
    pub(crate) fn walk(root: &Path, manifests: &[Metadata]) -> Tree {
        let mut tree = Tree { files: Vec::new(), present: BTreeSet::new() };
        let mut reached = BTreeMap::new();
        for package in manifests.iter().flat_map(|metadata| &metadata.packages) {
            let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
            collect(folder.as_std_path(), &mut tree.present);
            for target in &package.targets {
                let src = target.src_path.as_std_path().to_owned();
                follow(&src, Place::Root, is_test(target), &package.name, &mut reached);
            }
        }
        for (path, (package, test_only)) in reached {
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{shown}: {why}"));
            tree.files.push(File { package, path, shown, text, test_only });
        }
        tree
    }
}

/// One violation for each file that no target reaches.
pub(crate) fn unreached(tree: &Tree) -> Vec<String> {
    let reached: BTreeSet<_> = tree.files.iter().map(|file| &file.path).collect();
    let unreached = tree.present.iter().filter(|path| !reached.contains(path));
    unreached.map(|path| format!("{}: no target reaches it", path.display())).collect()
}

/// A violation if the file is too long.
pub(crate) fn too_long(file: &File) -> Option<String> {
    if file.test_only {
        return None;
    }
    let tokens = source::tokens(&file.text);
    let tests: usize = source::test_items(&tokens)
        .iter()
        .map(|(start, end)| tokens[end - 1].line - tokens[*start].line + 1)
        .sum();
    let lines = file.text.lines().count() - tests;
    (lines > MAX_LINES)
        .then(|| format!("{}: {lines} lines without tests, at most {MAX_LINES}: split it", file.shown))
}

/// One violation for each ignored test and each `allow` of dead code.
pub(crate) fn ignored_or_dead(file: &File) -> Vec<String> {
    let tokens = source::tokens(&file.text);
    let is_bad = |at: &usize| {
        let tokens = &tokens[*at..];
        source::starts_with(tokens, &["#", "[", "ignore"])
            || source::starts_with(tokens, &["allow", "(", "dead_code"])
            || source::starts_with(tokens, &["allow", "(", "unused"])
    };
    let complaint = |at: usize| format!("{}:{}: ignored test or dead code", file.shown, tokens[at].line);
    (0..tokens.len()).filter(is_bad).map(complaint).collect()
}

fn is_test(target: &Target) -> bool {
    target.kind.iter().any(|kind| matches!(kind, TargetKind::Test | TargetKind::Bench))
}

/// Gathers the `.rs` files below a package's folder; folders of other packages and of tools are skipped.
fn collect(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a package's folder can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_tools = name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.');
        if path.is_dir() && !is_tools && !path.join("Cargo.toml").exists() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.insert(path);
        }
    }
}

/// The location of a file's child modules.
enum Place {
    /// Beside it: `main.rs`, `lib.rs`, `mod.rs`, or named by a `path` attribute.
    Root,
    /// In a folder with its name.
    Leaf,
}

/// Adds `path` with its package and whether only tests reach it, and follows its modules.
fn follow(
    path: &Path,
    place: Place,
    test_only: bool,
    package: &str,
    reached: &mut BTreeMap<PathBuf, (String, bool)>,
) {
    let only_tests_so_far = reached.get(path).map(|(_, test_only)| *test_only);
    if only_tests_so_far == Some(false) || only_tests_so_far == Some(test_only) {
        return;
    }
    let Ok(text) = std::fs::read_to_string(path) else { return };
    reached.insert(path.to_owned(), (package.to_owned(), test_only));
    let beside = path.parent().expect("a file lies in a folder").to_owned();
    let below = match place {
        Place::Root => beside.clone(),
        Place::Leaf => path.with_extension(""),
    };
    for child in children(&source::tokens(&text)) {
        let test_only = test_only || child.test_only;
        match child.source {
            Source::Path(relative) => {
                follow(&beside.join(relative), Place::Root, test_only, package, reached)
            }
            Source::Module(names) => {
                let stem = names.iter().fold(below.clone(), |path, name| path.join(name));
                follow(&stem.with_extension("rs"), Place::Leaf, test_only, package, reached);
                follow(&stem.join("mod.rs"), Place::Root, test_only, package, reached);
            }
        }
    }
}

#[derive(Debug, PartialEq)]
struct Child {
    source: Source,
    test_only: bool,
}

#[derive(Debug, PartialEq)]
enum Source {
    /// Named by a `path` attribute or by an `include!`.
    Path(String),
    /// Named by `mod`, with the inline modules around it.
    Module(Vec<String>),
}

/// The files that a file refers to.
fn children(tokens: &[Token<'_>]) -> Vec<Child> {
    let test_items = source::test_items(tokens);
    let mut children = Vec::new();
    // The open inline modules, each with the depth of braces outside of it.
    let (mut open, mut depth): (Vec<(&str, usize)>, usize) = (Vec::new(), 0);
    for at in 0..tokens.len() {
        let test_only = test_items.iter().any(|(start, end)| (*start..*end).contains(&at));
        match &tokens[at..] {
            [keyword, name, end, ..] if keyword.text == "mod" && end.text == ";" => {
                let names =
                    open.iter().map(|(name, _)| *name).chain([name.text]).map(str::to_owned).collect();
                let path = path_attribute(&tokens[..at]);
                children.push(Child { source: path.map_or(Source::Module(names), Source::Path), test_only });
            }
            [keyword, name, brace, ..] if keyword.text == "mod" && brace.text == "{" => {
                open.push((name.text, depth))
            }
            [include, bang, _, file, ..] if include.text.starts_with("include") && bang.text == "!" => {
                let path = file.literal().filter(|path| path.ends_with(".rs"));
                children.extend(path.map(|path| Child { source: Source::Path(path.to_owned()), test_only }));
            }
            [brace, ..] if brace.text == "{" => depth += 1,
            [brace, ..] if brace.text == "}" => {
                depth = depth.saturating_sub(1);
                open.retain(|(_, outside)| *outside < depth);
            }
            _ => {}
        }
    }
    children
}

/// The value of a `#[path = "…"]` at the end of `before`, a visibility aside.
fn path_attribute(before: &[Token<'_>]) -> Option<String> {
    let end = before.iter().rposition(|token| token.text == "]")?;
    let is_visibility =
        |token: &Token<'_>| matches!(token.text, "pub" | "(" | ")" | "crate" | "super" | "in");
    let [.., path, equals, value] = &before[..end] else { return None };
    let is_path = before[end + 1..].iter().all(is_visibility) && (path.text, equals.text) == ("path", "=");
    value.literal().filter(|_| is_path).map(str::to_owned)
}

fn sample(text: &str, test_only: bool) -> File {
    let path = PathBuf::from("bad.rs");
    File { package: "bad".to_owned(), path, shown: "bad.rs".to_owned(), text: text.to_owned(), test_only }
}

#[test]
fn long_file_is_a_violation_without_its_tests() {
    let code = "fn f() {}\n".repeat(MAX_LINES);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
    assert_eq!(too_long(&sample(&format!("{code}{tests}"), false)), None);
    assert!(too_long(&sample(&format!("{code}fn g() {{}}\n{tests}"), false)).is_some());
    assert_eq!(too_long(&sample(&code.repeat(2), true)), None);
}

#[test]
fn unreached_file_is_a_violation() {
    let mut tree =
        Tree { files: vec![sample("", false)], present: BTreeSet::from([PathBuf::from("bad.rs")]) };
    assert!(unreached(&tree).is_empty());
    tree.present.insert(PathBuf::from("forgotten.rs"));
    assert_eq!(unreached(&tree), ["forgotten.rs: no target reaches it"]);
}

#[test]
fn ignored_test_and_allowed_dead_code_are_violations() {
    let text = "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n#[allow(dead_code)]\nfn g() {}";
    assert_eq!(ignored_or_dead(&sample(text, true)).len(), 2);
    assert!(ignored_or_dead(&sample("// #[ignore]\nfn ignore() {}", true)).is_empty());
}

#[test]
fn modules_are_followed() {
    let text = "pub mod a; mod b { mod c; fn f() {} } #[path = \"odd/d.rs\"] pub(crate) mod d; #[cfg(test)] mod tests; \
                include!(\"e.rs\"); include_str!(\"f.txt\"); mod g;";
    let module = |names: &[&str]| Source::Module(names.iter().map(|name| (*name).to_owned()).collect());
    let child = |source, test_only| Child { source, test_only };
    let expected = [
        child(module(&["a"]), false),
        child(module(&["b", "c"]), false),
        child(Source::Path("odd/d.rs".to_owned()), false),
        child(module(&["tests"]), true),
        child(Source::Path("e.rs".to_owned()), false),
        child(module(&["g"]), false),
    ];
    assert_eq!(children(&source::tokens(text)), expected);
}
