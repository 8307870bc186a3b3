//! Settings: a file, and `section.key=value`.

use node::config::Layers;

/// A file of settings: what is taken is printed as a file that says the same.
pub(crate) fn file(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let mut layers = Layers::default();
    if layers.file("file", text).is_ok() {
        is_printed_as_it_is(layers);
    }
}

/// One setting: what is taken is printed as a file that says the same.
pub(crate) fn setting(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some((key, value)) = text.split_once('=') else { return };
    let mut layers = Layers::default();
    if layers.set(key, value, "--set").is_ok() {
        is_printed_as_it_is(layers);
    }
}

fn is_printed_as_it_is(layers: Layers) {
    let config = layers.into_config().expect("settings that were taken are a configuration");
    let mut printed = Layers::default();
    printed.file("printed", &config.to_toml()).expect("what is printed is taken");
    assert_eq!(printed.into_config().expect("it was taken"), config);
}
