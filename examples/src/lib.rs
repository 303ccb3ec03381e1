//! What the larger examples share. The examples themselves are the files beside this package's `Cargo.toml`.

pub mod demo;

/// Reads the name of an Exchange release for a command line.
///
/// # Errors
///
/// The names there are.
pub fn release(name: &str) -> Result<calsync_testkit::exchange::ServerVersion, String> {
    use calsync_testkit::exchange::ServerVersion;
    ServerVersion::from_name(name)
        .ok_or_else(|| format!("use one of: {}", ServerVersion::ALL.map(ServerVersion::name).join(", ")))
}
