//! Which module of the core may import which: its layers, lowest first, and no cycle of imports anywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{self, Token};

/// The layers of `crates/core/src`, lowest first, and the modules of each. A module belongs to the layer that names the longest
/// beginning of its path. It may import its own layer and those below.
const LAYERS: [(&str, &[&str]); 8] = [
    ("names", &["planted", "api::id", "base::machine", "base::name"]),
    ("interface", &["api"]),
    ("base", &["base", "capabilities"]),
    ("transactions", &["transaction"]),
    ("dialogs and requests", &["dialog", "negotiation", "request"]),
    ("account", &["connection", "account"]),
    ("call", &["call", "outside"]),
    ("phone", &["phone"]),
];

/// The modules of a crate and their imports, tests left out.
pub(crate) struct Modules<'a> {
    /// By path: `call::states`; the root is empty.
    modules: BTreeMap<String, Module<'a>>,
}

struct Module<'a> {
    shown: &'a str,
    tokens: Vec<Token<'a>>,
    /// What its `use` declarations name, by the name that they give it.
    uses: BTreeMap<&'a str, Vec<&'a str>>,
}

/// An import: from a module, on a line, of an item of another module.
struct Import<'m> {
    from: &'m str,
    line: usize,
    to: &'m str,
}

impl<'a> Modules<'a> {
    /// The modules in files below `folder`, given as their paths and texts.
    pub(crate) fn of(folder: &str, files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut modules = BTreeMap::new();
        for (shown, text) in files {
            let Some(path) = shown.strip_prefix(folder).and_then(|path| path.strip_suffix(".rs")) else {
                continue;
            };
            // These files are their folder.
            let path = match path.rsplit_once('/') {
                Some((folder, "mod" | "lib" | "main")) => folder,
                _ => path,
            };
            let path = path.trim_matches('/').replace('/', "::");
            let tokens = source::without_tests(&source::tokens(text));
            let uses = use_items(&tokens).into_iter().flat_map(|(_, _, items)| items);
            let uses = uses.map(|item| (item.name, item.path)).collect();
            modules.insert(path, Module { shown, tokens, uses });
        }
        Self { modules }
    }

    /// One complaint for each import of a higher layer, and for each module without a layer.
    pub(crate) fn upward(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for path in self.modules.keys().filter(|path| !path.is_empty() && layer(path).is_none()) {
            complaints.push(format!("{path} has no layer: say where it belongs in LAYERS"));
        }
        for Import { from, line, to } in self.imports() {
            let (Some(own), Some(other)) = (layer(from), layer(to)) else { continue };
            if other > own {
                complaints.push(format!(
                    "{}:{line}: {from} ({}) imports {to} ({}), a higher layer",
                    self.modules[from].shown, LAYERS[own].0, LAYERS[other].0
                ));
            }
        }
        complaints
    }

    /// One complaint for each cycle of imports, the root left out: it imports everything.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Import { from, to, .. } in self.imports().filter(|import| import.from != import.to) {
            imports.entry(from).or_default().insert(to);
        }
        let (mut done, mut complaints) = (BTreeSet::new(), Vec::new());
        for start in self.modules.keys().filter(|path| !path.is_empty()) {
            search(start, &imports, &mut Vec::new(), &mut done, &mut complaints);
        }
        complaints
    }

    fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        self.modules.iter().filter(|(path, _)| !path.is_empty()).flat_map(move |(from, module)| {
            let paths = used_paths(&module.tokens).into_iter().chain(self.inline_paths(from, module));
            paths.filter_map(move |(line, path)| {
                let to = self.resolve(from, &path, 0)?;
                Some(Import { from, line, to })
            })
        })
    }

    /// Paths in expressions and types that begin at the root, at a parent, or at a module below this one.
    fn inline_paths(&self, from: &str, module: &Module<'a>) -> Vec<(usize, Vec<&'a str>)> {
        let declarations = use_items(&module.tokens);
        let in_use = |at: usize| declarations.iter().any(|(start, end, _)| (*start..*end).contains(&at));
        let tokens = &module.tokens;
        let begins = |at: usize| {
            let first = tokens[at].text;
            let known =
                matches!(first, "crate" | "super" | "self") || self.modules.contains_key(&join(from, first));
            let before = |distance: usize| at.checked_sub(distance).map_or("", |at| tokens[at].text);
            let is_visibility = (before(2), before(1)) == ("(", "in");
            known
                && !matches!(before(1), ":" | ".")
                && !is_visibility
                && is_path_separator(tokens, at + 1)
                && !in_use(at)
        };
        (0..tokens.len())
            .filter(|&at| begins(at))
            .map(|mut at| {
                let (line, mut path) = (tokens[at].line, vec![tokens[at].text]);
                while is_path_separator(tokens, at + 1)
                    && tokens.get(at + 3).is_some_and(|token| is_word(token.text))
                {
                    at += 3;
                    path.push(tokens[at].text);
                }
                (line, path)
            })
            .collect()
    }

    /// The module in which the item of a path is declared, re-exports followed. `None` for items of other crates.
    fn resolve(&self, from: &str, path: &[&str], depth: usize) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        let mut module = match *first {
            "crate" => String::new(),
            "self" => from.to_owned(),
            "super" => parent(from)?.to_owned(),
            child => Some(join(from, child)).filter(|module| self.modules.contains_key(module))?,
        };
        for (at, segment) in rest.iter().enumerate() {
            if *segment == "super" {
                module = parent(&module)?.to_owned();
                continue;
            }
            let below = join(&module, segment);
            if self.modules.contains_key(&below) {
                module = below;
                continue;
            }
            // An import of the name of what it imports is no re-export.
            let again = self.modules.get(&module)?.uses.get(segment).filter(|_| depth < 8);
            if let Some(again) = again.filter(|again| again.len() > 1) {
                let path: Vec<&str> = again.iter().chain(&rest[at + 1..]).copied().collect();
                return self.resolve(&module, &path, depth + 1);
            }
            break;
        }
        self.modules.get_key_value(&module).map(|(module, _)| module.as_str())
    }
}

/// The number of a module's layer.
fn layer(module: &str) -> Option<usize> {
    let beginnings =
        LAYERS.iter().enumerate().flat_map(|(n, (_, modules))| modules.iter().map(move |one| (n, *one)));
    let fits = |(_, one): &(usize, &str)| {
        module.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    beginnings.filter(fits).max_by_key(|(_, one)| one.len()).map(|(n, _)| n)
}

fn search<'m>(
    module: &'m str,
    imports: &BTreeMap<&'m str, BTreeSet<&'m str>>,
    way: &mut Vec<&'m str>,
    done: &mut BTreeSet<&'m str>,
    complaints: &mut Vec<String>,
) {
    if let Some(start) = way.iter().position(|known| *known == module) {
        complaints.push(format!("a cycle of imports: {} -> {module}", way[start..].join(" -> ")));
        return;
    }
    if !done.contains(module) {
        way.push(module);
        for next in imports.get(module).into_iter().flatten() {
            search(next, imports, way, done, complaints);
        }
        way.pop();
        done.insert(module);
    }
}

fn join(module: &str, child: &str) -> String {
    if module.is_empty() { child.to_owned() } else { format!("{module}::{child}") }
}

fn parent(module: &str) -> Option<&str> {
    if module.is_empty() { None } else { Some(module.rsplit_once("::").map_or("", |(parent, _)| parent)) }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

fn is_path_separator(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.text == ":")
        && tokens.get(at + 1).is_some_and(|token| token.text == ":")
}

/// One name that a `use` declaration brings.
struct Item<'a> {
    line: usize,
    name: &'a str,
    path: Vec<&'a str>,
}

fn used_paths<'a>(tokens: &[Token<'a>]) -> Vec<(usize, Vec<&'a str>)> {
    let items = use_items(tokens).into_iter().flat_map(|(_, _, items)| items);
    items.map(|item| (item.line, item.path)).collect()
}

/// The `use` declarations: where each begins and ends, and what it brings.
fn use_items<'a>(tokens: &[Token<'a>]) -> Vec<(usize, usize, Vec<Item<'a>>)> {
    let starts = (0..tokens.len()).filter(|&at| tokens[at].text == "use");
    starts
        .map(|start| {
            let mut items = Vec::new();
            let end = tree(tokens, start + 1, &[], &mut items);
            (start, end, items)
        })
        .collect()
}

/// Reads a tree of a `use` declaration from `at`, below `prefix`. Returns the place after it.
fn tree<'a>(tokens: &[Token<'a>], mut at: usize, prefix: &[&'a str], items: &mut Vec<Item<'a>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    let end = tree(tokens, at, &path, items);
                    // A macro may have anything between its braces.
                    at = end.max(at + usize::from(tokens.get(end).is_some_and(|token| token.text != ",")));
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return at + 1;
            }
            "as" => {
                let name = tokens.get(at + 1).map_or("", |token| token.text);
                items.push(Item { line: token.line, name, path });
                return at + 2;
            }
            ";" | "," | "}" => break,
            word if is_word(word) || word == "*" => path.push(word),
            _ => {}
        }
        at += 1;
    }
    if path.last() == Some(&"self") && path.len() > 1 {
        path.pop();
    }
    if let (Some(&name), Some(token)) = (path.last(), tokens.get(at)) {
        items.push(Item { line: token.line, name, path });
    }
    at
}

fn sample(files: &[(&'static str, &'static str)]) -> Modules<'static> {
    Modules::of("src", files.iter().copied())
}

#[test]
fn an_upward_import_is_seen_in_each_form() {
    let root = ("src/lib.rs", "mod api; mod call; mod phone;\npub use api::id::Id; pub use call::Call;");
    for (text, complains) in [
        ("use crate::call::Call;", true),
        ("use crate::Call;", true),
        ("use crate::{Id, Call as Other};", true),
        ("use super::super::call::{self};", true),
        ("fn f() { crate::call::g() }", true),
        ("type T = super::super::Call;", true),
        ("use crate::Id; use std::call::Call;", false),
        ("#[cfg(test)]\nmod tests { use crate::call::Call; }", false),
        ("// use crate::call::Call;", false),
        ("pub(in crate::call) struct Inner;", false),
    ] {
        let modules = sample(&[
            root,
            ("src/api/mod.rs", "pub mod id; pub mod io;"),
            ("src/api/id.rs", "pub struct Id;"),
            ("src/api/io.rs", text),
            ("src/call/mod.rs", "use crate::Id; pub struct Call; fn g() {}"),
        ]);
        let complaints = modules.upward();
        assert_eq!(complaints.len(), usize::from(complains), "{text}: {complaints:?}");
        let known =
            |line: &String| line.starts_with("src/api/io.rs:1: api::io (interface) imports call (call)");
        assert!(complaints.iter().all(known), "{complaints:?}");
    }
    let stray = sample(&[("src/attic.rs", "")]);
    assert_eq!(stray.upward(), ["attic has no layer: say where it belongs in LAYERS"]);
}

#[test]
fn a_cycle_of_imports_is_seen() {
    let cycle = sample(&[
        ("src/call/mod.rs", "mod one; mod two; mod three; use one::One;"),
        ("src/call/one.rs", "use super::two::Two; pub struct One;"),
        ("src/call/two.rs", "pub struct Two(super::three::Three);"),
        ("src/call/three.rs", "use crate::call::One; pub struct Three;"),
    ]);
    assert_eq!(cycle.cycles(), ["a cycle of imports: call::one -> call::two -> call::three -> call::one"]);
    let tree = sample(&[
        ("src/call/mod.rs", "mod one; mod two; use one::One; use two::Two;"),
        ("src/call/one.rs", "use super::two::Two; use super::One as Same; pub struct One;"),
        ("src/call/two.rs", "pub struct Two;"),
    ]);
    assert_eq!(tree.cycles(), Vec::<String>::new());
}
