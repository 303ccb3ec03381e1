//! Logging in.
//!
//! A scheme is anything that can say what the `Authorization` header of the next request is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A text that never shows up in logs, errors or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A way to log in.
pub trait Authentication: fmt::Debug + Send + Sync {
    /// The value of the `Authorization` header.
    fn authorization(&self) -> Secret;

    /// The name of the scheme as servers offer it.
    fn scheme(&self) -> &'static str;
}

/// Basic authentication. The transport sends it over TLS only, or to this very machine.
#[derive(Clone)]
pub struct Basic {
    user: String,
    password: Secret,
}

impl Basic {
    /// User (`DOMAIN\user` or `user@domain`) and password.
    pub fn new(user: impl Into<String>, password: Secret) -> Self {
        Self { user: user.into(), password }
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Authentication for Basic {
    fn authorization(&self) -> Secret {
        Secret::new(format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password.reveal()))))
    }

    fn scheme(&self) -> &'static str {
        "Basic"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show_in_debug_output() {
        let basic = Basic::new("user", Secret::new("hunter2"));
        let shown = format!("{basic:?} {:?} {:?}", basic.password, basic.authorization());
        assert!(!shown.contains("hunter2") && !shown.contains(&STANDARD.encode("user:hunter2")), "{shown}");
        assert_eq!(basic.authorization().reveal(), "Basic dXNlcjpodW50ZXIy");
    }
}
