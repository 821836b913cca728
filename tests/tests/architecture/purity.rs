//! Names that pure crates must not use, and hash maps, over which they must not iterate.

use std::collections::BTreeSet;

use super::source::{self, Token};

/// A banned name, and what to use instead.
const BANNED: [(&str, &str); 42] = [
    ("Instant::now", "take `now` as an argument"),
    (".elapsed(", "take `now` as an argument"),
    ("SystemTime", "take the date as an argument"),
    ("std::thread", "give a deadline, or ask the host with an effect"),
    ("thread::spawn", "give a deadline, or ask the host with an effect"),
    ("thread::sleep", "give a deadline"),
    ("thread_local", "keep state in the value that owns it"),
    ("Mutex", "own the state"),
    ("RwLock", "own the state"),
    ("mpsc", "return a value"),
    ("async", "a machine is driven, it does not wait"),
    ("await", "a machine is driven, it does not wait"),
    ("tokio", "runtimes live in offhook-tokio"),
    ("futures_util", "runtimes live in offhook-tokio"),
    ("UdpSocket", "sockets live in offhook-tokio"),
    ("TcpStream", "sockets live in offhook-tokio"),
    ("TcpListener", "sockets live in offhook-tokio"),
    ("UnixStream", "sockets live in offhook-tokio"),
    ("UnixListener", "sockets live in offhook-tokio"),
    ("UnixDatagram", "sockets live in offhook-tokio"),
    ("ToSocketAddrs", "resolving a name is an effect"),
    ("std::env", "configuration is an argument"),
    ("env::var", "configuration is an argument"),
    ("env::args", "configuration is an argument"),
    ("std::fs", "take and return bytes"),
    ("fs::File", "take and return bytes"),
    ("std::process", "ask the host with an effect"),
    ("stdin", "take bytes"),
    ("stdout", "return events"),
    ("println", "return events"),
    ("eprintln", "return events"),
    ("getrandom", "take a seed"),
    ("OsRng", "take a seed"),
    ("thread_rng", "take a seed"),
    ("rand::rng", "take a seed"),
    ("rand::random", "take a seed"),
    ("Uuid", "draw from the seeded generator"),
    ("RandomState", "use a BTreeMap, a slab or a fixed hasher"),
    ("SeedableRandomState::random", "use a fixed hasher"),
    ("DefaultHasher", "use a fixed hasher"),
    ("HashMap::new", "use a BTreeMap, a slab or a fixed hasher"),
    ("HashSet::new", "use a BTreeSet or a fixed hasher"),
];

/// Methods that depend on the order of a hash map.
const ORDER: [&str; 9] =
    ["iter", "iter_mut", "into_iter", "keys", "into_keys", "values", "values_mut", "into_values", "drain"];

/// One violation for each banned use in a pure source file; `shown` is its name. Tests in it are exempt.
pub(crate) fn scan(shown: &str, text: &str) -> Vec<String> {
    let tokens = source::without_tests(&source::tokens(text));
    let maps = hash_maps(&tokens);
    let mut complaints = Vec::new();
    let mut complain =
        |at: usize, what: &str| complaints.push(format!("{shown}:{}: {what}", tokens[at].line));
    for (name, instead) in BANNED {
        let pattern: Vec<_> = source::tokens(name).iter().map(|token| token.text).collect();
        for at in (0..tokens.len()).filter(|at| source::starts_with(&tokens[*at..], &pattern)) {
            complain(at, &format!("`{name}`: {instead}"));
        }
    }
    for at in 0..tokens.len() {
        if has_default_hasher(&tokens[at..]) {
            complain(at, "a hash map without a named hasher: use a BTreeMap, a slab or a fixed hasher");
        }
        if shows_order(&tokens[at..], &maps) {
            complain(
                at,
                &format!("the order of `{}` depends on its hasher: use a BTreeMap", tokens[at].text),
            );
        }
    }
    complaints
}

fn is_hash_map(word: &str) -> bool {
    matches!(word, "HashMap" | "HashSet")
}

/// The names of fields, variables and arguments whose type starts as a hash map, or as an alias of one.
fn hash_maps<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    let alias = |window: &[Token<'a>]| {
        let [keyword, name, rest @ ..] = window else { return None };
        let value =
            rest.iter().skip_while(|token| token.text != "=").skip(1).take_while(|token| token.text != ";");
        let is_map = value.take_while(|token| token.text != "<").any(|token| is_hash_map(token.text));
        (keyword.text == "type" && is_map).then_some(name.text)
    };
    let aliases: BTreeSet<_> = (0..tokens.len()).filter_map(|at| alias(&tokens[at..])).collect();
    let declared = |at: usize| {
        let [name, colon, rest @ ..] = &tokens[at..] else { return None };
        let path =
            rest.iter().take_while(|token| !matches!(token.text, "<" | "," | ";" | ")" | "=" | "}" | "{"));
        let is_map = path.clone().any(|token| is_hash_map(token.text) || aliases.contains(token.text));
        let is_declaration = colon.text == ":" && rest.first().is_some_and(|next| next.text != ":");
        (is_declaration && is_map && path.count() < 8).then_some(name.text)
    };
    (0..tokens.len()).filter_map(declared).collect()
}

/// `HashMap<K, V>` or `HashSet<K>`: too few parameters to name a hasher.
fn has_default_hasher(tokens: &[Token<'_>]) -> bool {
    let [name, open, rest @ ..] = tokens else { return false };
    if !is_hash_map(name.text) || open.text != "<" {
        return false;
    }
    let (mut depth, mut parameters, mut is_empty) = (1, 0, true);
    for token in rest {
        match token.text {
            "<" | "(" | "[" => depth += 1,
            ">" | ")" | "]" => depth -= 1,
            "," if depth == 1 => {
                (parameters, is_empty) = (parameters + usize::from(!is_empty), true);
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        is_empty = false;
    }
    parameters += usize::from(!is_empty);
    parameters < if name.text == "HashMap" { 3 } else { 2 }
}

/// `map.iter()` and the like, or `in &map {`.
fn shows_order(tokens: &[Token<'_>], maps: &BTreeSet<&str>) -> bool {
    if let [name, dot, method, open, ..] = tokens
        && maps.contains(name.text)
        && (dot.text, open.text) == (".", "(")
    {
        return ORDER.contains(&method.text);
    }
    let [first, rest @ ..] = tokens else { return false };
    let mut path = rest.iter().skip_while(|token| matches!(token.text, "&" | "mut" | "self" | "."));
    let is_map = path.next().is_some_and(|name| maps.contains(name.text));
    first.text == "in" && is_map && path.next().is_some_and(|token| token.text == "{")
}

#[test]
fn banned_names_are_violations() {
    for (name, _) in BANNED {
        let text = format!("fn f() {{ x {name}() }}");
        let complaints = scan("bad.rs", &text);
        assert!(
            complaints.iter().any(|complaint| complaint.contains(&format!("`{name}`"))),
            "{name}: {complaints:?}"
        );
    }
}

#[test]
fn comments_strings_and_tests_are_exempt() {
    let text = "// Instant::now\nfn f() { g(\"SystemTime\") }\n#[cfg(test)]\nmod tests { use std::env; }";
    assert_eq!(scan("good.rs", text), Vec::<String>::new());
    let types = "fn f(a: SocketAddr, at: std::time::Instant, env: Env) { std::net::IpAddr::V4(a.ip()) }";
    assert_eq!(scan("good.rs", types), Vec::<String>::new());
}

#[test]
fn map_with_a_random_seed_is_a_violation() {
    let bad = "struct S { a: HashMap<u8, Vec<(u8, u8)>>, b: std::collections::HashSet<u8> }";
    assert_eq!(scan("bad.rs", bad).len(), 2);
    let good = "struct S { a: HashMap<u8, (u8, u8), FixedState>, b: HashSet<[u8; 4], FixedState>, c: BTreeMap<u8, u8> }";
    assert_eq!(scan("good.rs", good), Vec::<String>::new());
}

#[test]
fn iteration_over_a_hash_map_is_a_violation() {
    let declared =
        "type Map = HashMap<u8, u8, FixedState>; struct S { a: Map, b: HashSet<u8, FixedState>, c: Vec<u8> }";
    let bad = "self.a.keys(); self.b.iter(); for x in &mut self.a {} for y in b {}";
    assert_eq!(scan("bad.rs", &format!("{declared} fn f() {{ {bad} }}")).len(), 4);
    let good = "self.a.get(&1); self.b.contains(&1); for x in &self.c {} self.c.iter()";
    assert_eq!(scan("good.rs", &format!("{declared} fn f() {{ {good} }}")), Vec::<String>::new());
}
