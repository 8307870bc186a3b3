//! What the signature of a handler tells: its inputs and its answers, each a type that describes itself.

use domain::Code;

use super::{Content, Parameter, SchemaOf};
use crate::http::Refusal;

/// What an operation takes and gives.
#[derive(Debug, Default)]
pub(crate) struct Signature {
    /// Whether an access token is needed.
    pub(crate) signed: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// The type whose fields are the parameters of the query.
    pub(crate) query: Option<SchemaOf>,
    pub(crate) body: Option<Content>,
    /// Each status, what it means, and its body.
    pub(crate) answers: Vec<(u16, &'static str, Option<Content>)>,
    /// Why the inputs may be refused.
    pub(crate) refuses: Vec<Code>,
}

/// Something that a handler takes from a request.
pub(crate) trait Takes {
    /// Tells what it is.
    fn tell(signature: &mut Signature);
}

/// Something that a handler answers.
pub(crate) trait Gives {
    /// Tells what it is.
    fn tell(signature: &mut Signature);
}

impl<T: Gives> Gives for Result<T, Refusal> {
    fn tell(signature: &mut Signature) {
        T::tell(signature);
    }
}

/// A handler all of whose inputs and answers describe themselves. `Inputs` tells the handlers of many inputs apart.
pub(crate) trait Described<Inputs> {
    /// What it takes and gives.
    fn signature() -> Signature;
}

macro_rules! described {
    ($($input:ident)*) => {
        impl<F, Answering, Answer, $($input),*> Described<($($input,)*)> for F
        where
            F: Fn($($input),*) -> Answering,
            Answering: Future<Output = Answer>,
            Answer: Gives,
            $($input: Takes,)*
        {
            fn signature() -> Signature {
                let mut signature = Signature::default();
                $($input::tell(&mut signature);)*
                Answer::tell(&mut signature);
                signature
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
