//! Laying a file, the environment and flags over the defaults.

use toml::{Table, Value};

use super::Config;
use super::bounds::{RELATIONS, out_of_bounds};

/// Environment variables begin with this; `__` stands between a section and its key.
pub(super) const ENV_PREFIX: &str = "CONNECT_CHAT_SERVE_";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key that does not exist.
    #[error("{origin}: there is no setting `{key}`{}", nearest.as_ref().map(|key| format!("; did you mean `{key}`?")).unwrap_or_default())]
    UnknownKey {
        /// The file, the environment variable or the flag.
        origin: String,
        /// What was written.
        key: String,
        /// The most similar key that exists.
        nearest: Option<String>,
    },
    /// A value that its key cannot have.
    #[error("{origin}: {what}")]
    BadValue {
        /// The file, the environment variable or the flag.
        origin: String,
        /// What is wrong; of which setting, and what it wants, if one alone is wrong.
        what: String,
    },
    /// Two values that cannot be had together, wherever each came from.
    #[error("{0}")]
    Contradiction(String),
}

/// A configuration in the making: each layer is laid over those before it.
#[derive(Debug, Clone)]
pub struct Layers {
    table: Table,
    origin: String,
}

impl Default for Layers {
    fn default() -> Self {
        let table =
            Table::try_from(Config::default()).expect("the defaults are plain tables of plain values");
        Self { table, origin: "defaults".to_owned() }
    }
}

impl Layers {
    /// Lays a file over it. `text` is TOML.
    pub fn file(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let over: Table = text.parse().map_err(|error| Error::BadValue {
            origin: name.to_owned(),
            what: format!("it is not TOML: {error}"),
        })?;
        let known = keys(&self.table, "");
        let laid = keys(&over, "");
        merge(&mut self.table, over, "", &known, name)?;
        self.check(name, &laid)
    }

    /// Lays those of the environment's variables over it that are meant for it.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Error> {
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(ENV_PREFIX) {
                self.set(&key.to_ascii_lowercase().replace("__", "."), &value, &name)?;
            }
        }
        Ok(())
    }

    /// Sets one key, as `section.key`, to a text: TOML, or else a string.
    pub fn set(&mut self, key: &str, value: &str, origin: &str) -> Result<(), Error> {
        let known = keys(&self.table, "");
        if !known.iter().any(|known| known == key) {
            return Err(unknown(origin, key, &known));
        }
        let parsed =
            format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
        let slot = slot(&mut self.table, key).expect("a known key has a slot");
        let parsed =
            parsed.filter(|parsed| parsed.same_type(slot) || (parsed.is_integer() && slot.is_float()));
        *slot = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
        self.check(origin, &[key.to_owned()])
    }

    /// Whether what was laid over it under these keys can be had; if not, the error names the one that cannot.
    ///
    /// How settings hang together is looked at in the end: a later layer may change the other.
    fn check(&mut self, origin: &str, laid: &[String]) -> Result<(), Error> {
        self.origin = origin.to_owned();
        let out = laid.iter().find_map(|key| out_of_bounds(key, self.number(key)?));
        if let Some(what) = out {
            return Err(Error::BadValue { origin: self.origin.clone(), what });
        }
        let Err(error) = self.clone().typed() else { return Ok(()) };
        Err(laid.iter().find_map(|key| self.refusal(key)).unwrap_or(error))
    }

    /// Why this key alone cannot have its value, if it cannot.
    fn refusal(&mut self, key: &str) -> Option<Error> {
        let mut alone = Self { origin: self.origin.clone(), ..Self::default() };
        let held = slot(&mut alone.table, key)?;
        let wanted = wanted(held);
        *held = slot(&mut self.table, key)?.clone();
        let Err(Error::BadValue { origin, what }) = alone.typed() else { return None };
        Some(Error::BadValue { origin, what: format!("`{key}` {wanted}: {what}") })
    }

    /// The configuration.
    pub fn into_config(self) -> Result<Config, Error> {
        let broken = RELATIONS
            .iter()
            .find_map(|relation| relation.broken(self.number(relation.key)?, self.number(relation.than)?));
        broken.map_or_else(|| self.typed(), |what| Err(Error::Contradiction(what)))
    }

    /// The number that is held under this key, if it is one.
    fn number(&self, key: &str) -> Option<i64> {
        held(&self.table, key)?.as_integer()
    }

    fn typed(self) -> Result<Config, Error> {
        let bad = |error: toml::de::Error| Error::BadValue {
            origin: self.origin,
            what: error.message().trim_end().to_owned(),
        };
        self.table.try_into().map_err(bad)
    }
}

fn merge(base: &mut Table, over: Table, path: &str, known: &[String], origin: &str) -> Result<(), Error> {
    for (key, value) in over {
        let full = format!("{path}{key}");
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                merge(base, over, &format!("{full}."), known, origin)?
            }
            (Some(slot), value) => *slot = value,
            (None, _) => return Err(unknown(origin, &full, known)),
        }
    }
    Ok(())
}

fn unknown(origin: &str, key: &str, known: &[String]) -> Error {
    let likeness = |known: &String| strsim::jaro_winkler(known, key);
    let nearest = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let nearest = nearest.filter(|known| likeness(known) > 0.6).cloned();
    Error::UnknownKey { origin: origin.to_owned(), key: key.to_owned(), nearest }
}

/// What a setting with this default wants.
fn wanted(default: &Value) -> String {
    match default {
        Value::Integer(number) => format!("wants a whole number, like {number}"),
        Value::Boolean(_) => "wants true or false".to_owned(),
        Value::Array(_) => "wants a list, like [\"one\"]".to_owned(),
        Value::Table(_) => "is a section".to_owned(),
        other => format!("wants a text, like {other}"),
    }
}

/// Every key that holds a value, as `section.key`.
fn keys(table: &Table, path: &str) -> Vec<String> {
    table
        .iter()
        .flat_map(|(key, value)| match value {
            Value::Table(table) => keys(table, &format!("{path}{key}.")),
            _ => vec![format!("{path}{key}")],
        })
        .collect()
}

fn slot<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((section, rest)) => slot(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

fn held<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => held(table.get(section)?.as_table()?, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounds::BOUNDS;
    use super::*;

    #[test]
    fn a_later_layer_wins_and_leaves_the_rest() {
        let mut layers = Layers::default();
        layers.file("f.toml", "listen = \"127.0.0.1:1\"\n[limits]\ntext_bytes_max = 7").unwrap();
        let variable = |name: &str, value: &str| (format!("{ENV_PREFIX}{name}"), value.to_owned());
        layers
            .environment([variable("LISTEN", "127.0.0.1:2"), variable("LIMITS__PAGE_ENTRIES_MAX", "9")])
            .unwrap();
        layers.set("listen", "127.0.0.1:3", "--listen").unwrap();
        let config = layers.into_config().unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!((config.limits.text_bytes_max, config.limits.page_entries_max), (7, 9));
        assert_eq!(config.limits.frame_bytes_max, Config::default().limits.frame_bytes_max);
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_the_nearest() {
        let mut layers = Layers::default();
        let error = layers.file("f.toml", "[limits]\ntext_byte_max = 7").unwrap_err().to_string();
        assert_eq!(
            error,
            "f.toml: there is no setting `limits.text_byte_max`; did you mean `limits.text_bytes_max`?"
        );
        let error = layers.set("lisen", "x", "--set").unwrap_err().to_string();
        assert!(error.contains("`listen`"), "{error}");
        let misspelt = [(format!("{ENV_PREFIX}LOG__LEVL"), "info".to_owned())];
        assert!(layers.environment(misspelt).unwrap_err().to_string().contains("`log.level`"));
    }

    #[test]
    fn a_whole_number_is_refused_where_a_share_is_asked_for() {
        let mut layers = Layers::default();
        layers.set("tracing.sample_ratio", "1", "--set").unwrap();
        assert_eq!(layers.into_config().unwrap().tracing.sample_ratio.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn a_value_of_the_wrong_type_names_where_it_came_from() {
        let mut layers = Layers::default();
        let error = layers.set("limits.text_bytes_max", "many", "--set").unwrap_err().to_string();
        assert_eq!(
            error,
            "--set: `limits.text_bytes_max` wants a whole number, like 16384: invalid type: string \"many\", expected usize"
        );
        let mut layers = Layers::default();
        let error = layers
            .file("f.toml", "threads = 1\nlisten = 5\n[log]\nlevel = \"info\"")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("f.toml: `listen` wants") && error.contains("127.0.0.1:8080"), "{error}");
        let error = Layers::default().set("log.format", "xml", "--log-format").unwrap_err().to_string();
        assert!(error.starts_with("--log-format: `log.format` wants") && error.contains("`json`"), "{error}");
        let error = Layers::default().file("f.toml", "limits = 5").unwrap_err().to_string();
        assert!(error.starts_with("f.toml: `limits` is a section: "), "{error}");
    }

    #[test]
    fn what_is_printed_says_the_same_when_read() {
        let mut layers = Layers::default();
        layers.file("printed", &Config::default().to_toml()).unwrap();
        assert_eq!(layers.into_config().unwrap(), Config::default());
    }
    /// What is said of this setting once it is laid over the defaults, if it is refused.
    fn said_of(key: &str, value: i64) -> Option<String> {
        Layers::default().set(key, &value.to_string(), "--set").err().map(|error| error.to_string())
    }

    #[test]
    fn a_number_has_no_bounds_or_the_default_is_out_of_them() {
        let defaults = Layers::default();
        let numbers: Vec<String> =
            keys(&defaults.table, "").into_iter().filter(|key| defaults.number(key).is_some()).collect();
        for key in &numbers {
            let bounded = BOUNDS.iter().filter(|(bounded, _)| bounded == key).count();
            assert_eq!(bounded, 1, "{key}");
            assert_eq!(said_of(key, defaults.number(key).unwrap()), None);
        }
        assert_eq!(numbers.len(), BOUNDS.len(), "a setting that is no more has bounds");
        defaults.into_config().unwrap();
    }

    #[test]
    fn an_absurd_number_starts_a_server() {
        for (key, bounds) in BOUNDS {
            let (least, most) = (*bounds.start(), *bounds.end());
            assert_eq!((said_of(key, least), said_of(key, most)), (None, None), "{key}");
            for beyond in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
                let expected = format!("--set: `{key}` is {beyond}; it may be from {least} to {most}");
                assert_eq!(said_of(key, beyond), Some(expected));
            }
        }
        let file = Layers::default().file("f.toml", "[limits]\npage_entries_max = 0").unwrap_err();
        assert_eq!(file.to_string(), "f.toml: `limits.page_entries_max` is 0; it may be from 1 to 10000");
    }

    #[test]
    fn settings_that_contradict_each_other_start_a_server() {
        for relation in RELATIONS {
            let mut layers = Layers::default();
            let other = layers.number(relation.than).unwrap();
            let least = other + relation.by;
            layers.set(relation.key, &least.to_string(), "--set").unwrap();
            layers.clone().into_config().unwrap();
            layers.set(relation.key, &(least - 1).to_string(), "--set").unwrap();
            let said = layers.clone().into_config().unwrap_err().to_string();
            let named = [relation.key, relation.than, &(least - 1).to_string(), &least.to_string()];
            assert!(named.iter().all(|word| said.contains(*word)), "{said}");
            // In either order: it is the whole that counts.
            layers.set(relation.than, &(other - 1).to_string(), "--set").unwrap();
            layers.into_config().unwrap();
        }
    }
}
