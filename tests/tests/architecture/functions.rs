//! How long functions are.

use super::source;

/// The maximum length of a function, from its name to its closing brace, tests excepted.
const LINES: usize = 80;

/// One complaint for each function that is too long.
pub(crate) fn too_long(shown: &str, text: &str) -> Vec<String> {
    let tokens = source::without_tests(&source::tokens(text));
    let named =
        |at: &usize| tokens[*at].text == "fn" && tokens.get(at + 1).is_some_and(|name| name.text != "(");
    let lengths = (0..tokens.len()).filter(named).filter_map(|start| {
        let (mut depth, mut end) = (0usize, None);
        for token in &tokens[start..] {
            match token.text {
                // A declaration without a body. Within brackets it is the length of an array.
                ";" if depth == 0 => return None,
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 && token.text == "}" {
                        end = Some(token.line);
                        break;
                    }
                }
                _ => {}
            }
        }
        Some((tokens[start], tokens[start + 1].text, end? - tokens[start].line + 1))
    });
    lengths
        .filter(|(_, _, lines)| *lines > LINES)
        .map(|(token, name, lines)| {
            format!("{shown}:{}: {name} has {lines} lines, at most {LINES}", token.line)
        })
        .collect()
}

#[test]
fn a_long_function_is_reported() {
    let body = "    step();\n".repeat(LINES - 1);
    let long = format!("trait T {{ fn none(a: [u8; 4]); }}\nfn f(a: [u8; 4]) {{\n{body}}}\nfn g() {{}}\n");
    assert_eq!(too_long("src/lib.rs", &long), ["src/lib.rs:2: f has 81 lines, at most 80"]);
    let short = long.replacen("    step();\n", "", 1);
    assert_eq!(too_long("src/lib.rs", &short), Vec::<String>::new());
    let test = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(too_long("src/lib.rs", &test), Vec::<String>::new());
}
