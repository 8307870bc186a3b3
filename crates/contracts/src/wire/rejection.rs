//! Refusals: their code by name, so that a code can be added without a new format version.

use domain::{Code, Rejection};

use crate::proto;

impl From<&Rejection> for proto::Rejection {
    fn from(rejection: &Rejection) -> Self {
        Self {
            code: rejection.code.as_str().to_owned(),
            message: rejection.message.clone().into_owned(),
            retry_after_ms: rejection.retry_after_ms,
        }
    }
}

impl From<proto::Rejection> for Rejection {
    /// A code that this program does not know becomes `internal`, which a device may retry; its name goes before the
    /// message, where a person reads it.
    fn from(rejection: proto::Rejection) -> Self {
        let known = Code::ALL.into_iter().find(|code| code.as_str() == rejection.code);
        let read = match known {
            Some(code) => Self::new(code, rejection.message),
            None => Self::new(Code::Internal, format!("{}: {}", rejection.code, rejection.message)),
        };
        Self { retry_after_ms: rejection.retry_after_ms, ..read }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_by_its_name() {
        for code in Code::ALL {
            let rejection = Rejection::new(code, "no").retry_after_ms(7);
            assert_eq!(Rejection::from(proto::Rejection::from(&rejection)), rejection);
        }
    }

    #[test]
    fn a_code_of_a_newer_version_stays_readable() {
        let newer = proto::Rejection {
            code: "on_holiday".into(),
            message: "come back on Monday".into(),
            retry_after_ms: None,
        };
        let read = Rejection::from(newer);
        assert_eq!((read.code, &*read.message), (Code::Internal, "on_holiday: come back on Monday"));
    }
}
