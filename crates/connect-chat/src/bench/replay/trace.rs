//! The trace: who writes where, in which order, how long.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// A line of the file.
#[derive(Debug, Deserialize)]
struct Line {
    group: u64,
    user: u64,
    bytes: usize,
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Index of its group.
    pub(super) group: usize,
    /// Index of its sender.
    pub(super) person: usize,
    /// Its place among the messages of its group.
    pub(super) nth: u64,
    pub(super) bytes: usize,
}

/// A group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Its messages, as indexes of rows.
    pub(super) rows: Vec<usize>,
    /// Those who ever write in it, as indexes, the first writer first.
    pub(super) members: Vec<usize>,
}

/// Groups and people are numbered by their first appearance.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) rows: Vec<Row>,
    pub(super) groups: Vec<Group>,
    /// The groups of each person.
    pub(super) people: Vec<Vec<usize>>,
}

impl Trace {
    /// Reads a file, plain or gzip, or its first rows.
    pub(super) fn read(path: &Path, rows: Option<usize>) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut magic = [0; 2];
        let gzip = file.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
        file.rewind()?;
        let plain: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        Self::parse(plain, rows).with_context(|| format!("{} is not such a trace", path.display()))
    }

    /// Bytes of a text, on average.
    pub(super) fn text_bytes(&self) -> usize {
        self.rows.iter().map(|row| row.bytes).sum::<usize>() / self.rows.len().max(1)
    }

    fn parse(plain: impl Read, rows: Option<usize>) -> Result<Self> {
        let mut trace = Self::default();
        let (mut groups, mut people) = (HashMap::new(), HashMap::new());
        for line in csv::Reader::from_reader(plain).deserialize().take(rows.unwrap_or(usize::MAX)) {
            let Line { group, user, bytes } = line?;
            let group = *groups.entry(group).or_insert_with(|| {
                trace.groups.push(Group::default());
                trace.groups.len() - 1
            });
            let person = *people.entry(user).or_insert_with(|| {
                trace.people.push(Vec::new());
                trace.people.len() - 1
            });
            let of = &mut trace.groups[group];
            if !of.members.contains(&person) {
                of.members.push(person);
                trace.people[person].push(group);
            }
            let nth = of.rows.len() as u64;
            of.rows.push(trace.rows.len());
            trace.rows.push(Row { group, person, nth, bytes: bytes.max(1) });
        }
        ensure!(!trace.rows.is_empty(), "it has no messages");
        Ok(trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_who_ever_write_and_rows_keep_their_order() {
        let text = "second,group,user,bytes,mentions\n0,7,5,10,0\n1,9,5,1,0\n2,7,6,3,1\n3,7,5,4,0\n";
        let trace = Trace::parse(text.as_bytes(), None).unwrap();
        assert_eq!(trace.groups[0].members, [0, 1]);
        assert_eq!(trace.groups[0].rows, [0, 2, 3]);
        assert_eq!(trace.people[0], [0, 1]);
        assert_eq!(trace.rows[3], Row { group: 0, person: 0, nth: 2, bytes: 4 });
        assert_eq!(Trace::parse(text.as_bytes(), Some(2)).unwrap().rows.len(), 2);
        assert!(Trace::parse("a,b\n1,2\n".as_bytes(), None).is_err());
    }

    #[test]
    fn the_trace_in_the_repository_is_whole() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/group-chat-100k.csv.gz");
        let trace = Trace::read(&path, None).unwrap();
        assert_eq!((trace.rows.len(), trace.groups.len(), trace.people.len()), (100_000, 5_302, 671));
        assert_eq!(trace.groups.iter().map(|group| group.members.len()).max(), Some(46));
    }
}
