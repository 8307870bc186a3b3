//! Signing in and up, and the files that keep it: a folder per server and person, readable by its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use client::http::Http;
use client::protocol::http::{
    Credentials, PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, Recovery, Tokens, may_be_password,
};
use client::tokens::Keep;
use domain::Code;

use super::Args;

/// What this device is called in the list of devices.
const DEVICE_NAME: &str = "terminal";

/// Where a server's people are kept.
pub(super) struct Home(PathBuf);

/// Somebody who is signed in on this device.
pub(super) struct SignedIn {
    pub(super) tokens: Tokens,
    /// What belongs to this device: outbox and state.
    pub(super) folder: PathBuf,
    /// Where its tokens are kept.
    pub(super) file: PathBuf,
    /// Signed in just now: the time in the tokens is the server's now.
    pub(super) fresh: bool,
    /// Nobody said who it is: it was the only one who is kept here.
    pub(super) assumed: bool,
}

impl Home {
    pub(super) fn new(state: Option<PathBuf>, http: &Http) -> Result<Self> {
        let base = match state {
            Some(folder) => folder,
            None => default_state().context("no home folder: name a folder with --state")?,
        };
        Ok(Self(base.join(folder_of(http.base()))))
    }

    fn person(&self, handle: &str) -> Result<PathBuf> {
        ensure!(is_handle(handle), "`{handle}` is not a name: 2 to 32 of a-z, 0-9, `_`, `-` and `.`");
        Ok(self.0.join(handle))
    }

    /// The one person who is signed in here, if it is one.
    fn only(&self) -> Option<String> {
        let people = fs::read_dir(&self.0).ok()?.filter_map(|entry| entry.ok());
        let names: Vec<String> = people
            .filter(|entry| entry.path().join("tokens.json").exists())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        <[String; 1]>::try_from(names).ok().map(|[name]| name)
    }
}

fn default_state() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local").join("state")))
        .map(|base| base.join("connect-chat"))
}

/// A folder for each server: what one of them gave is shown to no other, nor to the same one without TLS.
fn folder_of(base: &str) -> String {
    let mut name = String::new();
    for byte in base.trim_end_matches('/').replacen("://", "-", 1).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name
}

/// Whether a person can be called so.
pub(super) fn is_handle(handle: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    (2..=32).contains(&handle.len()) && handle.chars().all(fits) && !handle.trim_matches('.').is_empty()
}

/// Signs in with what is kept, or with a password.
pub(super) async fn sign_in(args: &Args, http: &Http, home: &Home, people: bool) -> Result<SignedIn> {
    let (handle, assumed) = match (&args.user, home.only()) {
        (Some(user), _) => (user.to_lowercase(), false),
        (None, Some(only)) => (only, true),
        (None, None) if people => (ask("Your name: ")?.to_lowercase(), false),
        (None, None) => bail!("who are you? name it with --user"),
    };
    let person = home.person(&handle)?;
    let file = person.join("tokens.json");
    let (tokens, fresh) = match kept(&file)? {
        _ if args.recover => (recover(args, http, handle, people).await?, true),
        Some(tokens) => (tokens, false),
        None => (enter(args, http, &handle, people).await?, true),
    };
    let folder = person.join(tokens.device.to_string());
    private_folder(&folder)?;
    // What was only read may be older already: another terminal of this person may be at work.
    if fresh {
        keep(&file, &tokens)?;
    }
    Ok(SignedIn { tokens, folder, file, fresh, assumed })
}

impl SignedIn {
    /// Where what this device has to send is kept.
    pub(super) fn outbox(&self) -> PathBuf {
        self.folder.join("outbox")
    }

    /// Nobody is signed in here any more, unless somebody has signed in anew beside this.
    pub(super) fn forget(&self) -> Result<()> {
        if kept(&self.file)?.is_some_and(|tokens| tokens.device == self.tokens.device) {
            fs::remove_file(&self.file)?;
        }
        Ok(())
    }

    /// Keeps each newer pair of tokens.
    pub(super) fn keeper(&self) -> Keep {
        let file = self.file.clone();
        Box::new(move |tokens| keep(&file, tokens))
    }

    /// What a person should know who did not say who they are.
    pub(super) fn greeting(&self) -> Option<String> {
        let handle = &self.tokens.handle;
        self.assumed.then(|| format!("signed in as {handle}; --user NAME for another"))
    }

    /// Why there is no chat; what is in use is this person's folder.
    pub(super) fn not_started(&self, error: client::Error) -> anyhow::Error {
        match error {
            client::Error::Storage(error) if error.kind() == io::ErrorKind::WouldBlock => anyhow::anyhow!(
                "{} chats in another terminal already: end that one, or be somebody else with --user NAME",
                self.tokens.handle
            ),
            error => error.into(),
        }
    }
}

async fn enter(args: &Args, http: &Http, handle: &str, people: bool) -> Result<Tokens> {
    let given = given_password(args)?;
    let typed = given.is_none();
    let password = given.map_or_else(|| type_password(handle, people), Ok)?;
    let device_name = Some(DEVICE_NAME.to_owned());
    let mut credentials = Credentials { handle: handle.to_owned(), password, device_name };
    let refused = match http.sign_in(&credentials).await {
        Err(error) if error.is(Code::InvalidCredentials) => error,
        answer => return Ok(answer?),
    };
    let new =
        args.sign_up || people && yes(&format!("No such name and password. Sign up as {handle}? [y/N] "))?;
    if !new {
        return Err(refused.into());
    }
    if typed {
        credentials.password = twice(credentials.password)?;
    }
    Ok(http.sign_up(&credentials).await?)
}

/// Sets a new password by a recovery code, and signs in with it.
async fn recover(args: &Args, http: &Http, handle: String, people: bool) -> Result<Tokens> {
    let code = match std::env::var("CONNECT_CHAT_RECOVERY_CODE") {
        Ok(code) => code,
        Err(_) if people => ask("Recovery code: ")?,
        Err(_) => bail!("no recovery code: set CONNECT_CHAT_RECOVERY_CODE"),
    };
    let password = match given_password(args)? {
        Some(given) => given,
        None => twice(type_password(&handle, people)?)?,
    };
    let recovery = Recovery { handle, code, new_password: password };
    http.recover(&recovery).await?;
    let Recovery { handle, new_password: password, .. } = recovery;
    let credentials = Credentials { handle, password, device_name: Some(DEVICE_NAME.to_owned()) };
    Ok(http.sign_in(&credentials).await?)
}

/// A password that was typed, if it is typed once more.
fn twice(password: String) -> Result<String> {
    ensure!(rpassword::prompt_password("The password again: ")? == password, "the passwords differ");
    Ok(password)
}

/// The password that nobody has to type.
fn given_password(args: &Args) -> Result<Option<String>> {
    let Some(path) = &args.password_file else { return Ok(std::env::var("CONNECT_CHAT_PASSWORD").ok()) };
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

/// Asks until it is one that somebody can have.
fn type_password(handle: &str, people: bool) -> Result<String> {
    ensure!(people, "no password: give --password-file or set CONNECT_CHAT_PASSWORD");
    loop {
        let typed = rpassword::prompt_password(format!("Password of {handle}: "))?;
        if may_be_password(&typed) {
            return Ok(typed);
        }
        say(&format!(
            "A password has {PASSWORD_CHARACTERS_MIN} characters or more, and {PASSWORD_BYTES_MAX} bytes at most.\n"
        ))?;
    }
}

fn yes(question: &str) -> Result<bool> {
    Ok(ask(question)?.to_lowercase().starts_with('y'))
}

fn say(words: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(words.as_bytes()).and_then(|()| out.flush())
}

fn ask(question: &str) -> Result<String> {
    say(question)?;
    let mut line = String::new();
    ensure!(io::stdin().read_line(&mut line)? > 0, "the input ended");
    Ok(line.trim().to_owned())
}

fn kept(file: &Path) -> Result<Option<Tokens>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged: remove it", file.display()))?,
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Replaces the file as a whole, durably: an old refresh token would sign this device out.
fn keep(file: &Path, tokens: &Tokens) -> io::Result<()> {
    let beside = file.with_extension("new");
    drop(fs::remove_file(&beside));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut new = options.open(&beside)?;
    new.write_all(&serde_json::to_vec(tokens)?)?;
    new.sync_all()?;
    fs::rename(&beside, file)
}

/// Makes a folder that only its owner may look into.
pub(super) fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_never_becomes_one() {
        for name in ["..", "../x", "a/b", "/etc", "A", ".", "a\0b", ""] {
            assert!(!is_handle(name), "{name}");
        }
        assert!(is_handle("ada.l-2_x"));
    }

    #[test]
    fn tokens_of_one_server_are_shown_to_another() {
        let bases =
            ["http://h/", "https://h/", "http://a:80/", "http://a_80/", "http://a-80/", "http://a%3a80/"];
        let folders: std::collections::HashSet<String> = bases.iter().map(|base| folder_of(base)).collect();
        assert_eq!(folders.len(), bases.len(), "{folders:?}");
        assert!(folders.iter().all(|folder| !folder.contains('/')), "{folders:?}");
        assert_eq!(folder_of("http://127.0.0.1:8080/"), "http-127.0.0.1%3a8080");
    }

    #[cfg(unix)]
    #[test]
    fn tokens_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.json");
        let tokens: Tokens = serde_json::from_value(serde_json::json!({
            "user": domain::UserId::from_bytes([1; 16]), "device": domain::DeviceId::from_bytes([1; 16]),
            "handle": "ada", "access_token": "a", "access_token_expires": "2030-01-01T00:00:00.000Z",
            "time": "2025-01-01T00:00:00.000Z"
        }))
        .unwrap();
        for _ in 0..2 {
            keep(&file, &tokens).unwrap();
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(kept(&file).unwrap(), Some(tokens));
    }
}
