//! Compiles `proto/` into the wire forms and the gRPC services. The compiler is a crate: nothing has to be installed.

use std::error::Error;

const PROTO: &str = "../../proto";
/// What is compiled; the other files are imported by these.
const ROOTS: [&str; 2] = ["connect_chat/v1/records.proto", "connect_chat/v1/services.proto"];
/// Messages that carry a password or a token, which are not to be printed by accident.
const SECRET: [&str; 7] = [
    "SignInRequest",
    "RefreshRequest",
    "AuthenticateRequest",
    "ChangePasswordRequest",
    "MakeRecoveryCodesRequest",
    "RecoverRequest",
    "Json",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let files = protox::compile(ROOTS, [PROTO])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .skip_debug(SECRET.map(|name| format!("connect_chat.v1.{name}")))
        .compile_fds(files)?;
    Ok(())
}
