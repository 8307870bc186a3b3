//! Reads a backup, a row at a time, and believes nothing that its checksums and its end do not say.

use std::io::{BufRead, BufReader, Read};

use super::block::{self, Kind};
use super::{Backup, Error, FORMAT, MAGIC, Tally};

/// The longest first line that is looked for.
const LINE_BYTES_MAX: u64 = 64;

/// A key and its value.
type Row<'a> = (&'a [u8], &'a [u8]);

/// A backup that is being read.
pub(super) struct Reader<R: Read> {
    from: BufReader<R>,
    number: u64,
    about: Vec<u8>,
    tally: Tally,
    rows: Vec<u8>,
    at: usize,
    /// What follows the rows of this space.
    next: Option<(Kind, Vec<u8>)>,
    last_key: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads what a backup says about itself.
    pub(super) fn new(from: R) -> Result<Self, Error> {
        let mut from = BufReader::new(from);
        check_format(&mut from)?;
        let (kind, about) = block::read(&mut from, 0)?;
        if kind != Kind::About {
            return Err(Error::Damaged("it does not begin with what it is".to_owned()));
        }
        let (rows, last_key) = (vec![], vec![]);
        Ok(Self { from, number: 1, about, tally: Tally::default(), rows, at: 0, next: None, last_key })
    }

    /// The next space, once all rows of the one before were read.
    pub(super) fn space(&mut self) -> Result<Option<String>, Error> {
        let (kind, bytes) = match self.next.take() {
            Some(next) => next,
            None => self.block()?,
        };
        match kind {
            Kind::Space => {
                let name = String::from_utf8(bytes).map_err(|_| self.damaged("names no space"))?;
                if name.is_empty() || name.len() > 255 {
                    return Err(self.damaged("names no space"));
                }
                self.tally.begin(&name);
                self.last_key.clear();
                Ok(Some(name))
            }
            Kind::End => self.end(&bytes).map(|()| None),
            Kind::About | Kind::Rows => Err(self.damaged("is in the wrong place")),
        }
    }

    /// The next row of the space.
    pub(super) fn row(&mut self) -> Result<Option<Row<'_>>, Error> {
        while self.at == self.rows.len() {
            if self.next.is_some() {
                return Ok(None);
            }
            match self.block()? {
                (Kind::Rows, rows) => (self.rows, self.at) = (rows, 0),
                other => self.next = Some(other),
            }
        }
        let (key, value, at) =
            parse(&self.rows, self.at).ok_or_else(|| self.damaged("holds no whole rows"))?;
        if self.rows[key.clone()] <= self.last_key[..] {
            return Err(self.damaged("is not in order"));
        }
        self.at = at;
        self.last_key.clear();
        self.last_key.extend_from_slice(&self.rows[key.clone()]);
        let (key, value) = (&self.rows[key], &self.rows[value]);
        self.tally.count(key, value);
        Ok(Some((key, value)))
    }

    /// What was read, once [`Self::space`] said that there are no more.
    pub(super) fn finish(self) -> Backup {
        Backup { about: self.about, tally: self.tally }
    }

    fn end(&mut self, told: &[u8]) -> Result<(), Error> {
        if told != self.tally.to_end() {
            return Err(Error::Damaged("it holds another number of rows than it says".to_owned()));
        }
        if !self.from.fill_buf()?.is_empty() {
            return Err(Error::Damaged("something follows its end".to_owned()));
        }
        Ok(())
    }

    fn block(&mut self) -> Result<(Kind, Vec<u8>), Error> {
        let block = block::read(&mut self.from, self.number)?;
        self.number += 1;
        Ok(block)
    }

    fn damaged(&self, what: &str) -> Error {
        Error::Damaged(format!("block {} {what}", self.number - 1))
    }
}

type Bytes = std::ops::Range<usize>;

/// The key and the value of the row at `at`, and where the next one begins. No key is empty.
fn parse(rows: &[u8], at: usize) -> Option<(Bytes, Bytes, usize)> {
    let number = |at: usize| {
        let bytes = rows.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    let (key, value) = (number(at)?, number(at + 4)?);
    let (start, middle) = (at + 8, (at + 8).checked_add(key)?);
    let end = middle.checked_add(value)?;
    (key > 0 && end <= rows.len()).then_some((start..middle, middle..end, end))
}

fn check_format(from: &mut impl BufRead) -> Result<(), Error> {
    let mut line = vec![];
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    let line = std::str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n'));
    let found = line.and_then(|line| line.strip_prefix(MAGIC)).ok_or(Error::Foreign)?;
    match found.parse() {
        Ok(1..=FORMAT) => Ok(()),
        Ok(found) => Err(Error::NewerFormat { found }),
        Err(_) => Err(Error::Foreign),
    }
}
