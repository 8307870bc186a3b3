//! What the document says that a device may say, read.

use protocol::example::from_device;

use crate::session::wire;

#[test]
fn a_frame_of_the_document_that_nobody_reads() {
    for frame in from_device() {
        let text = serde_json::to_string(&frame).unwrap();
        assert!(wire::read(&text).is_ok(), "{text}");
    }
}
