//! How a Rust file reads to the rules: its code apart from its comments and strings, its tests apart from the rest, and
//! every path it names.
//!
//! Deliberately absent: a real parser. A few hundred milliseconds of `syn` would tell little more to these rules, and
//! could not read a file that is half written.

use std::collections::HashMap;

/// A path named in the code, such as `std::time::Instant::now`, as it is after the file's own imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// From 1.
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

impl Named {
    /// Whether the path is `path` or lies in it.
    pub(super) fn is_in(&self, path: &str) -> bool {
        let mut mine = self.segments.iter();
        path.split("::").all(|part| mine.next().is_some_and(|segment| segment == part))
    }

    /// The path as one writes it.
    pub(super) fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// The text with comments and what stands in strings made blank; the lines are those of the text.
    pub(super) code: String,
    /// Every path, with imports spelled out. Those in `macro_rules` and macros are read like any other.
    pub(super) named: Vec<Named>,
    /// For each line, whether it is part of an item that only tests see.
    in_test: Vec<bool>,
}

impl Source {
    /// Reads a text as Rust.
    pub(super) fn parse(text: &str) -> Self {
        let code = blank(text);
        let in_test = test_lines(&code);
        let named = resolve(paths(&code));
        Self { code, named, in_test }
    }

    /// Whether a line (from 1) is part of an item that only tests see.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.in_test.get(line - 1).copied().unwrap_or(false)
    }
}

/// Makes comments and what stands in strings and character literals blank.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = opaque_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Where the comment, string or character that begins at `at` ends; `at` if none begins there.
fn opaque_end(chars: &[char], at: usize) -> usize {
    let get = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let after_word = at > 0 && is_word(get(at - 1));
    match get(at) {
        '/' if get(at + 1) == '/' => find(chars, at, |index| get(index) == '\n').unwrap_or(chars.len()),
        '/' if get(at + 1) == '*' => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !after_word && matches!(get(at + 1), '"' | '#') => raw_string_end(chars, at, at + 1),
        'b' | 'c' if !after_word && get(at + 1) == 'r' => raw_string_end(chars, at, at + 2),
        '\'' if get(at + 1) == '\\' => {
            find(chars, at + 3, |index| get(index) == '\'').map_or(at, |end| end + 1)
        }
        '\'' if get(at + 2) == '\'' => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, matches: impl Fn(usize) -> bool) -> Option<usize> {
    (from..chars.len()).find(|index| matches(*index))
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = at;
    while index < chars.len() {
        match chars[index..] {
            ['/', '*', ..] => (depth, index) = (depth + 1, index + 2),
            ['*', '/', ..] => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            return index;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut index = from;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    chars.len()
}

/// `hashes` is where the hashes of a raw string may begin. Gives `at` if it is no string after all.
fn raw_string_end(chars: &[char], at: usize, hashes: usize) -> usize {
    let count = chars[hashes..].iter().take_while(|c| **c == '#').count();
    if chars.get(hashes + count) != Some(&'"') {
        return at;
    }
    let closes = |index: usize| {
        chars[index] == '"'
            && chars.len() > index + count
            && chars[index + 1..=index + count].iter().all(|c| *c == '#')
    };
    find(chars, hashes + count + 1, closes).map_or(chars.len(), |end| end + 1 + count)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The lines of items under `#[cfg(test)]`, `#[cfg(any(test, …))]` or `#[test]`.
fn test_lines(code: &str) -> Vec<bool> {
    const MARKS: [&str; 5] = ["#[cfg(test)]", "#[cfg(any(test", "#[cfg(all(test", "#[test]", "#[tokio::test"];
    let mut lines = vec![false; code.lines().count()];
    for mark in MARKS {
        for (start, _) in code.match_indices(mark) {
            let end = item_end(code, start);
            let first = code[..start].matches('\n').count();
            let last = code[..end].matches('\n').count();
            lines.iter_mut().take(last + 1).skip(first).for_each(|line| *line = true);
        }
    }
    lines
}

/// Where the item whose attribute begins at `start` ends: at its closing brace, or at a semicolon before any.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, c) in code[start..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth < 0 || (depth == 0 && matches!(c, '}' | ';')) {
            return start + offset;
        }
    }
    code.len()
}

/// A path as written, and what it is called here if it was imported.
struct Written {
    named: Named,
    import: Option<String>,
}

/// Every path in the code as written, with the groups of imports spelled out.
fn paths(code: &str) -> Vec<Written> {
    let tokens = tokens(code);
    let mut written = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let imports = tokens[at].1 == "use";
        if imports {
            at += 1;
        }
        let before = at;
        at = path(&tokens, at, &[], imports, &mut written);
        if at == before {
            at += 1;
        }
    }
    written
}

/// Words, `::`, and every other sign by itself, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            tokens.push((number + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Reads one path, or the group that it ends in, from `at`; gives where it ends.
fn path(
    tokens: &[(usize, &str)],
    at: usize,
    prefix: &[String],
    imports: bool,
    out: &mut Vec<Written>,
) -> usize {
    let sign = |index: usize| tokens.get(index).map_or("", |token| token.1);
    let mut segments = prefix.to_vec();
    let mut index = if sign(at) == "::" { at + 1 } else { at };
    let line = tokens.get(index).map_or(0, |token| token.0);
    loop {
        match sign(index) {
            "{" if !segments.is_empty() && sign(index.wrapping_sub(1)) == "::" => {
                return group(tokens, index + 1, &segments, imports, out);
            }
            word if word.starts_with(is_word) => segments.push(word.to_owned()),
            _ => break,
        }
        index += 1;
        if sign(index) != "::" {
            break;
        }
        index += 1;
    }
    if segments.len() > prefix.len() {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let renamed = (imports && sign(index) == "as").then(|| sign(index + 1).to_owned());
        let aliased = renamed.is_some();
        let import = imports.then(|| renamed.or_else(|| segments.last().cloned()).unwrap_or_default());
        out.push(Written { named: Named { line, segments }, import });
        return if aliased { index + 2 } else { index };
    }
    index
}

/// Reads the paths of a group from after its `{`; gives where it ends.
fn group(
    tokens: &[(usize, &str)],
    at: usize,
    prefix: &[String],
    imports: bool,
    out: &mut Vec<Written>,
) -> usize {
    let mut index = at;
    while let Some((_, sign)) = tokens.get(index) {
        match *sign {
            "}" => return index + 1,
            word if word.starts_with(is_word) => index = path(tokens, index, prefix, imports, out),
            _ => index += 1,
        }
    }
    index
}

/// Spells out the paths that begin with something imported.
fn resolve(written: Vec<Written>) -> Vec<Named> {
    let imports: HashMap<String, Vec<String>> =
        written.iter().filter_map(|path| Some((path.import.clone()?, path.named.segments.clone()))).collect();
    let spell = |path: Written| {
        let Named { line, segments } = path.named;
        let imported = path.import.is_none().then(|| imports.get(&segments[0])).flatten();
        let segments = match imported {
            Some(full) => full.iter().chain(&segments[1..]).cloned().collect(),
            None => segments,
        };
        Named { line, segments }
    };
    written.into_iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn named(text: &str) -> Vec<String> {
        let long = |named: &super::Named| named.segments.len() > 1;
        Source::parse(text).named.iter().filter(|named| long(named)).map(super::Named::text).collect()
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let text = "let a = \"x::y \\\" z\"; // u::v\n/* w::w /* x::x */ */ let b = r#\"q::q\"#; let c = '\"'; let d = 'a';\nfn f<'a>(x: &'a str) {}";
        let code = Source::parse(text).code;
        assert!(!code.contains("::"), "{code}");
        assert!(code.contains("let b") && code.contains("let d") && code.contains("<'a>"), "{code}");
        assert_eq!(code.lines().count(), 3);
    }

    #[test]
    fn paths_are_spelled_out_by_their_imports() {
        let text = "use std::time::{Duration, Instant as Moment};\nfn f() { Moment::now(); tokio::time::Instant::now(); }";
        let expected = [
            "std::time::Duration",
            "std::time::Instant",
            "std::time::Instant::now",
            "tokio::time::Instant::now",
        ];
        assert_eq!(named(text), expected);
    }

    #[test]
    fn groups_within_groups_are_spelled_out() {
        let text = "use a::{self, b::{c as x, d}, e};\nfn f() { d::g(); x::y() }";
        assert_eq!(named(text), ["a::b::c", "a::b::d", "a::e", "a::b::d::g", "a::b::c::y"]);
    }

    #[test]
    fn tests_are_told_from_the_rest() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x::y;\nfn d() {}";
        let source = Source::parse(text);
        let tests: Vec<usize> = (1..=9).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5, 7, 8]);
    }
}
