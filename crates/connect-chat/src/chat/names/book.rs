//! The names that this device has learnt, in a file: whom and what one can open by name while the server cannot be asked.
//!
//! A line for each, `{"id":…,"name":…}`; a later one counts. Everything in it is derived: what cannot be read or written
//! is done without, and a last line that was torn is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::{ConversationId, UserId};
use serde::{Deserialize, Serialize};

use super::recent::Recent;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(in super::super) enum Named {
    User(UserId),
    Group(ConversationId),
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line<S> {
    id: Named,
    name: S,
}

/// The book of one device. The device's folder is this process's alone.
pub(in super::super) struct Book(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    names: Recent<Named>,
    file: Option<File>,
    /// Bytes of the file.
    bytes: u64,
}

/// A larger file is not read, and a file never grows beyond it.
const FILE_BYTES_MAX: u64 = 4 << 20;

impl Book {
    /// The book in this file, which is made if it is not there.
    pub(in super::super) fn open(path: &Path) -> Self {
        let mut pages = Pages { names: read(path), ..Pages::default() };
        // Without a file, names last as long as the process.
        drop(pages.rewrite(path));
        Self(Mutex::new(pages))
    }

    /// Learns a name.
    pub(in super::super) fn learn(&self, id: Named, name: &str) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.names.learn(id, name) && pages.append(id, name).is_err() {
            // What the file holds is not known any more; it is written anew by the next process.
            pages.file = None;
        }
    }

    /// The person of this handle.
    pub(in super::super) fn person(&self, handle: &str) -> Option<UserId> {
        let person = |id| if let Named::User(user) = id { Some(user) } else { None };
        self.called(handle).into_iter().filter_map(person).next_back()
    }

    /// The groups of this name.
    pub(in super::super) fn groups(&self, name: &str) -> Vec<ConversationId> {
        let group = |id| if let Named::Group(group) = id { Some(group) } else { None };
        self.called(name).into_iter().filter_map(group).collect()
    }

    /// What has this name, oldest first.
    fn called(&self, name: &str) -> Vec<Named> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.names.all().filter(|(_, known)| *known == name).map(|(id, _)| id).collect()
    }

    /// What a person is called.
    pub(in super::super) fn handle(&self, user: UserId) -> Option<String> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.names.get(&Named::User(user)).map(ToOwned::to_owned)
    }
}

impl Pages {
    fn append(&mut self, id: Named, name: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = line(id, name)?;
        self.bytes += line.len() as u64;
        if self.bytes > FILE_BYTES_MAX {
            self.file = None;
            return Ok(());
        }
        file.write_all(&line)
    }

    /// Writes the file anew, without what is void.
    fn rewrite(&mut self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        drop(fs::remove_file(&beside));
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        let lines: io::Result<Vec<_>> = self.names.all().map(|(id, name)| line(id, name)).collect();
        let bytes = lines?.concat();
        file.write_all(&bytes)?;
        fs::rename(&beside, path)?;
        (self.file, self.bytes) = (Some(file), bytes.len() as u64);
        Ok(())
    }
}

fn line(id: Named, name: &str) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Line { id, name })?;
    line.push(b'\n');
    Ok(line)
}

/// The names of the whole lines.
fn read(path: &Path) -> Recent<Named> {
    let (mut names, mut bytes) = (Recent::default(), Vec::new());
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    if read.is_err() {
        return names;
    }
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        if let Ok(Line::<String> { id, name }) = serde_json::from_slice(line) {
            names.learn(id, &name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{direct, user};
    use super::*;

    #[test]
    fn a_name_is_forgotten_with_the_process_or_a_torn_line_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        let group = Named::Group(direct());
        let book = Book::open(&path);
        book.learn(Named::User(user(2)), "bob");
        book.learn(group, "our Team");
        drop(book);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str(&text.lines().next().unwrap().replace("bob", "eve"));
        fs::write(&path, text).unwrap();
        let book = Book::open(&path);
        assert_eq!((book.person("bob"), book.groups("our Team")), (Some(user(2)), vec![direct()]));
        assert_eq!((book.person("eve"), book.groups("our team")), (None, vec![]));
        assert_eq!(book.handle(user(2)).as_deref(), Some("bob"));
        book.learn(group, "the team");
        let book = Book::open(&path);
        assert_eq!((book.groups("our Team"), book.groups("the team")), (vec![], vec![direct()]));
    }

    #[cfg(unix)]
    #[test]
    fn others_can_read_whom_one_knows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        fs::write(&path, "").unwrap();
        drop(Book::open(&path));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_file_grows_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        let book = Book::open(&path);
        let name = "x".repeat(1 << 20);
        (0..9).for_each(|n| book.learn(Named::User(user(n)), &name));
        (0..9).for_each(|n| book.learn(Named::User(user(n)), "short"));
        assert!(fs::metadata(&path).unwrap().len() <= FILE_BYTES_MAX);
        drop(book);
        assert!(Book::open(&path).person(&name).is_some());
    }
}
