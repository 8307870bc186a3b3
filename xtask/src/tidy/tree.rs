//! The files of the repository: those that git tracks or would track.
//!
//! Deliberately absent: binary files, which no rule reads.

use std::path::Path;

use anyhow::Result;

use super::source::Source;
use crate::files;

/// What a Rust file is for, as its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of a library or a program.
    Src,
    /// A test, a benchmark or an example.
    Test,
}

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// How the text reads as Rust, if it is Rust.
    pub(super) source: Option<Source>,
    /// Whether it is part of a module that is declared for tests only.
    test_module: bool,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let source = path.ends_with(".rs").then(|| Source::parse(text));
        Self { path: path.to_owned(), text: text.to_owned(), source, test_module: false }
    }

    /// What the file is for.
    pub(super) fn role(&self) -> Role {
        let parts: Vec<&str> = self.path.split('/').collect();
        let (name, folders) = parts.split_last().unwrap_or((&"", &[]));
        let apart = folders.iter().any(|folder| matches!(*folder, "tests" | "benches" | "examples"));
        if self.test_module || apart || *name == "tests.rs" || name.ends_with("_tests.rs") {
            Role::Test
        } else {
            Role::Src
        }
    }

    /// The folder of the crate the file is part of, such as `crates/stores/chat`.
    pub(super) fn folder(&self) -> Option<&str> {
        let at = ["/src/", "/tests/", "/benches/", "/examples/"]
            .iter()
            .filter_map(|part| self.path.find(part))
            .min()?;
        let folder = &self.path[..at];
        (folder == "xtask" || folder.starts_with("crates/")).then_some(folder)
    }

    /// Whether it is part of a crate's `src`.
    pub(super) fn is_src(&self) -> bool {
        self.folder().is_some_and(|folder| self.path[folder.len()..].starts_with("/src/"))
    }
}

/// Every text file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let paths = files::tracked(root)?;
        // A file can be tracked and deleted, or not be text: neither is for us.
        let read = |path: &String| Some(File::new(path, &std::fs::read_to_string(root.join(path)).ok()?));
        Ok(Self::new(paths.iter().filter_map(read).collect()))
    }

    /// Tells the modules that are declared for tests only from the rest.
    fn new(mut files: Vec<File>) -> Self {
        let modules: Vec<String> = files.iter().flat_map(test_modules).collect();
        for file in &mut files {
            let is = |module: &String| {
                let rest = file.path.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            file.test_module = modules.iter().any(is);
        }
        Self { files }
    }

    /// The Rust files, with how they read.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| Some((file, file.source.as_ref()?)))
    }

    /// A made-up tree, for the tests of rules.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(path, text)| File::new(path, text)).collect())
    }
}

/// The modules that a file declares for tests only, each as its path without `.rs`.
fn test_modules(file: &File) -> Vec<String> {
    let Some(source) = &file.source else { return Vec::new() };
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let inside = match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => file.path.trim_end_matches(".rs").to_owned(),
    };
    let declared = |(index, line): (usize, &str)| {
        let module = line.trim().strip_suffix(';')?.rsplit_once("mod ")?.1.to_owned();
        source.is_test(index + 1).then(|| format!("{inside}/{module}"))
    };
    source.code.lines().enumerate().filter_map(declared).collect()
}

#[cfg(test)]
mod tests {
    use super::{File, Role, Tree};

    #[test]
    fn a_module_declared_for_tests_is_a_test_with_all_that_is_in_it() {
        let tree = Tree::of(&[
            ("crates/bus/src/lib.rs", "#[cfg(test)]\nmod testing;\nmod lane;\n"),
            ("crates/bus/src/lane.rs", "#[cfg(test)]\npub(crate) mod fixtures;\n"),
            ("crates/bus/src/lane/fixtures.rs", ""),
            ("crates/bus/src/testing/clock.rs", ""),
            ("crates/bus/src/testing_not.rs", ""),
        ]);
        let roles: Vec<Role> = tree.files.iter().map(File::role).collect();
        assert_eq!(roles, [Role::Src, Role::Src, Role::Test, Role::Test, Role::Src]);
    }

    #[test]
    fn a_path_says_what_a_file_is_for() {
        let of = |path| File::new(path, "");
        assert_eq!(of("crates/bus/src/lib.rs").role(), Role::Src);
        assert_eq!(of("crates/bus/src/lane/tests.rs").role(), Role::Test);
        assert_eq!(of("crates/bus/tests/suite.rs").role(), Role::Test);
        assert_eq!(of("crates/stores/kv/benches/append.rs").folder(), Some("crates/stores/kv"));
        assert_eq!(of("crates/stores/kv/src/lib.rs").folder(), Some("crates/stores/kv"));
        assert_eq!(of("sdk/src/lib.rs").folder(), None);
        assert!(of("xtask/src/lib.rs").is_src());
        assert!(!of("xtask/tests/src/lib.rs").is_src());
    }
}
