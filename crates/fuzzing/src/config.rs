//! Settings: a file, and `section.key=value`.

use node::config::Layers;

/// A file of settings: what is taken is printed as a file that says the same.
pub(crate) fn file(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let mut layers = Layers::default();
    let taken = layers.file("file", text).is_ok();
    if taken {
        is_printed_as_it_is(layers);
    }
    taken
}

/// One setting: what is taken is printed as a file that says the same.
pub(crate) fn setting(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let Some((key, value)) = text.split_once('=') else { return false };
    let mut layers = Layers::default();
    let taken = layers.set(key, value, "--set").is_ok();
    if taken {
        is_printed_as_it_is(layers);
    }
    taken
}

fn is_printed_as_it_is(layers: Layers) {
    let config = layers.into_config().expect("settings that were taken are a configuration");
    let mut printed = Layers::default();
    printed.file("printed", &config.to_toml()).expect("what is printed is taken");
    assert_eq!(printed.into_config().expect("it was taken"), config);
}
