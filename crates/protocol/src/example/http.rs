//! An example of each body of the HTTPS API.

use std::sync::Arc;

use domain::{Cursor, Mark, Position, Role};

use super::{Example, MARK, NOW, ORDINAL, POSITION, ada, bob, client_id, conversation, phone};
use crate::http::{
    Appended, ChangeConversation, ChangePassword, ConfirmPassword, Conversations, Credentials, Cursors,
    Device, Devices, Entries, Member, MemberCursor, Members, Missed, MissedList, MoveCursor, NewConversation,
    NewMessage, Recovery, RecoveryCodes, Refresh, SetRole, Tokens, User, Users,
};
use crate::view::Conversation;

macro_rules! example {
    ($type:ty, $example:expr) => {
        impl Example for $type {
            fn example() -> Self {
                $example
            }
        }
    };
}

const REFRESH_TOKEN: &str = "r1AUm0c1Jr8k7d2QxZpYvTnA3hLwSeGbKiOq4RyXuCfM";

const RECOVERY_CODE: &str = "mzxw6ytb-oi2tgnby-ge4dmnrr-mzxw6ytb";

example!(
    Credentials,
    Self {
        handle: "ada".to_owned(),
        password: "correct horse".to_owned(),
        device_name: Some("Ada's phone".to_owned()),
    }
);

example!(
    ChangePassword,
    Self {
        current_password: "correct horse".to_owned(),
        new_password: "battery staple".to_owned(),
        keep_devices: false,
    }
);

example!(ConfirmPassword, Self { current_password: "correct horse".to_owned() });

example!(RecoveryCodes, Self { codes: vec![RECOVERY_CODE.to_owned()] });

example!(
    Recovery,
    Self {
        handle: "ada".to_owned(),
        code: RECOVERY_CODE.to_owned(),
        new_password: "battery staple".to_owned(),
    }
);

example!(Refresh, Self { refresh_token: REFRESH_TOKEN.to_owned() });

example!(
    Tokens,
    Self {
        user: ada(),
        device: phone(),
        handle: "ada".to_owned(),
        access_token: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1MDQifQ.c2lnbmF0dXJl".to_owned(),
        access_token_expires: NOW.plus_ms(600_000),
        refresh_token: Some(REFRESH_TOKEN.to_owned()),
        time: NOW,
    }
);

example!(User, Self { id: bob(), handle: "bob".to_owned() });

example!(
    Devices,
    Self { devices: vec![Device { id: phone(), name: "Ada's phone".to_owned(), created: NOW }] }
);

example!(NewConversation, Self { user: Some(bob()), name: None, users: vec![], history: false });

example!(Conversations, Self { conversations: vec![Conversation::example()], next: None });

example!(ChangeConversation, Self::Name("the team".to_owned()));

example!(Users, Self { users: vec![bob()] });

example!(SetRole, Self { role: Role::Admin });

example!(
    Members,
    Self {
        members: vec![
            Member { user: ada(), role: Role::Admin, joined: Mark::new(Position::new(1, 1), 0) },
            Member { user: bob(), role: Role::Member, joined: Mark::new(Position::new(1, 1), 0) },
        ],
        as_of: Position::new(1, 1),
        next: None,
    }
);

example!(NewMessage, Self { text: "hello".to_owned() });

example!(
    Appended,
    Self {
        conversation: conversation(),
        position: POSITION,
        ordinal: ORDINAL,
        time: NOW,
        client_id: client_id(),
    }
);

example!(Entries, Self { entries: vec![Arc::example()], as_of: POSITION, more: true });

example!(MoveCursor, Self { delivered: None, read: Some(POSITION) });

example!(
    Cursors,
    Self {
        cursors: vec![
            MemberCursor { user: ada(), cursor: Cursor::read_up_to(MARK) },
            MemberCursor { user: bob(), cursor: Cursor::example() },
        ],
    }
);

example!(
    MissedList,
    Self {
        missed: vec![Missed { conversation: conversation(), messages: 1, as_of: POSITION, time: NOW }],
        badge: 1,
    }
);
