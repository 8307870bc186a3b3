//! What waits on devices of this person that are signed out: the device that is signed in now takes it over, and sends it.
//!
//! A device that is signed out never signs in again, and what it had to send would stay in its folder for ever. Its last
//! messages may have been stored although no answer came; the server takes those of another device for new ones, so they
//! may come twice. That is told, and better than to lose them. Only the same person on the same server inherits: a handle
//! may be another's by now.

use std::fs;
use std::io;
use std::path::Path;

use client::storage::{FileOutbox, take_over};
use domain::UserId;

use super::account::SignedIn;
use crate::count::count;

/// The file in a device's folder that says whose it is.
const OWNER: &str = "user";

/// Takes over what waits on the other devices in this person's folder; gives how many messages that are. Done at each start
/// before anything is sent, so that a crash on the way puts it off and no more.
pub(super) fn inherit(heir: &SignedIn) -> io::Result<usize> {
    let user = heir.tokens.user;
    if !belongs(&heir.folder, user) {
        fs::write(heir.folder.join(OWNER), user.to_string())?;
    }
    let Some(person) = heir.folder.parent() else { return Ok(0) };
    let mut inherited = 0;
    for device in fs::read_dir(person)? {
        let device = device?.path();
        let outbox = device.join("outbox");
        if device != heir.folder && belongs(&device, user) && outbox.exists() {
            match take_over(FileOutbox::new(&outbox), FileOutbox::new(&heir.outbox())) {
                Ok(messages) => inherited += messages,
                // Somebody is at work there, and will be told what becomes of it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(inherited)
}

fn belongs(device: &Path, user: UserId) -> bool {
    fs::read_to_string(device.join(OWNER)).is_ok_and(|owner| owner == user.to_string())
}

/// What a person should know about it. How far the old device got with each is not known.
pub(super) fn told(inherited: usize) -> Option<String> {
    let one = "message from before is sent now; it may come twice";
    let several = "messages from before are sent now; some may come twice";
    (inherited > 0).then(|| count(inherited, one, several))
}
