//! Writes the documents of the API anew: `cargo xtask api`.

use std::io;
use std::path::Path;

use gateway::documents::{asyncapi, openapi};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api");
    for (name, document) in [("openapi.json", openapi()), ("asyncapi.json", asyncapi())] {
        std::fs::write(folder.join(name), format!("{document:#}\n"))?;
    }
    Ok(())
}
