//! What a peer can do wrong after the handshake, and the close code each is answered with.

use super::CloseCode;

/// A breach of RFC 6455, or of a limit, that ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// A reserved bit is set although no extension was negotiated (section 5.2).
    #[error("a reserved bit is set")]
    ReservedBits,
    /// The opcode has no meaning (section 5.2).
    #[error("the opcode is unknown")]
    UnknownOpcode,
    /// A ping, pong or close without the final bit (section 5.5).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A frame of a client is not masked (section 5.1).
    #[error("the frame is not masked")]
    Unmasked,
    /// A ping, pong or close of more than 125 bytes (section 5.5).
    #[error("a control frame is longer than 125 bytes")]
    LongControl,
    /// The length takes more bytes than it needs (section 5.2).
    #[error("the length is not in its shortest form")]
    LongLength,
    /// The top bit of a 64-bit length is set (section 5.2).
    #[error("the length is negative")]
    NegativeLength,
    /// A continuation while no message is under way (section 5.4).
    #[error("a continuation without a start")]
    StrayContinuation,
    /// A new text or binary frame while a message is under way (section 5.4).
    #[error("a new message inside a fragmented one")]
    InterleavedMessage,
    /// A close frame with a payload of one byte (section 5.5.1).
    #[error("the close payload is one byte")]
    ShortClose,
    /// A close code that no endpoint may send (section 7.4).
    #[error("the close code is not allowed")]
    BadCloseCode,
    /// A message kind that the protocol above does not speak. The decoder reports [`super::Event::Binary`] and never
    /// raises this itself.
    #[error("only text is spoken here")]
    Unsupported,
    /// A text message or close reason that is not UTF-8 (section 8.1).
    #[error("the text is not UTF-8")]
    InvalidUtf8,
    /// More fragments in one message than [`super::FRAGMENTS_MAX`], however small.
    #[error("the message has too many fragments")]
    TooManyFragments,
    /// A message longer than the limit, judged by its header before any of it is kept.
    #[error("the message is too big")]
    TooBig,
}

impl Violation {
    /// The code to close the connection with (RFC 6455, section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::UnknownOpcode
            | Self::FragmentedControl
            | Self::Unmasked
            | Self::LongControl
            | Self::LongLength
            | Self::NegativeLength
            | Self::StrayContinuation
            | Self::InterleavedMessage
            | Self::ShortClose
            | Self::BadCloseCode => CloseCode::PROTOCOL_ERROR,
            Self::Unsupported => CloseCode::UNSUPPORTED,
            Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::TooManyFragments => CloseCode::POLICY,
            Self::TooBig => CloseCode::TOO_BIG,
        }
    }
}
