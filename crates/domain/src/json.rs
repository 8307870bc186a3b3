//! Reading JSON that must be an object. What is derived for a struct also reads an array, as the list of its fields; a
//! client that sent one would depend on their order.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Something that is read from an object only.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Lets a struct of these fields be read from an object only, wherever it stands.
macro_rules! only_from_object {
    ($name:ident { $($field:ident: $of:ty),+ }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Fields {
                    $($field: $of),+
                }
                let crate::json::Object(Fields { $($field),+ }) = crate::json::Object::deserialize(deserializer)?;
                Ok(Self { $($field),+ })
            }
        }
    };
}

pub(crate) use only_from_object;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cursor, Position};

    fn refused<'a, T: Deserialize<'a> + fmt::Debug>(json: &'a str) -> String {
        serde_json::from_str::<T>(json).unwrap_err().to_string()
    }

    #[test]
    fn an_array_that_passes_for_an_object_below_the_top() {
        let cursor = r#"{"delivered":{"position":{"epoch":1,"seq":5},"ordinal":5},"read":{"position":[1,5],"ordinal":5}}"#;
        for error in [
            refused::<Position>("[1,5]"),
            refused::<Cursor>(cursor),
            refused::<Cursor>("[[[1,5],5],[[1,5],5]]"),
        ] {
            assert!(error.starts_with("invalid type: sequence, expected a JSON object"), "{error}");
        }
        let whole = cursor.replace("[1,5]", r#"{"epoch":1,"seq":5}"#);
        assert_eq!(serde_json::from_str::<Cursor>(&whole).unwrap().read.position, Position::new(1, 5));
    }

    #[test]
    fn an_object_of_something_that_is_none() {
        for json in ["[]", "1", r#""x""#, "null"] {
            let error = refused::<Object<crate::content::Left>>(json);
            assert!(error.contains("expected a JSON object"), "{error}");
        }
    }
}
