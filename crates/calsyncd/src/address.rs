//! The parts of a server's address that people get wrong.

use std::net::IpAddr;

/// Scheme, host and port of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// In lower case.
    pub(crate) scheme: String,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    /// That of the scheme, where none is written.
    pub(crate) port: u16,
    /// Whether a user name or password is written into it.
    pub(crate) has_login: bool,
}

impl Address {
    /// Takes a URL apart; `None` when it is none.
    pub(crate) fn of(url: &str) -> Option<Address> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if rest.contains(char::is_whitespace) {
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(v6) => {
                let (host, rest) = v6.split_once(']')?;
                (host, rest.strip_prefix(':'))
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().ok()?,
            None if scheme == "http" => 80,
            None => 443,
        };
        (!host.is_empty()).then(|| Address {
            scheme,
            host: host.to_owned(),
            port,
            has_login: login.is_some(),
        })
    }

    /// Whether it leads to this very machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    /// The host, where it is an address and not a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let of = |url| Address::of(url).map(|address| (address.host, address.port));
        assert_eq!(
            of("https://mail.example.com/EWS/Exchange.asmx"),
            Some(("mail.example.com".to_owned(), 443))
        );
        assert_eq!(of("http://[::1]:8080/x"), Some(("::1".to_owned(), 8080)));
        assert_eq!(of("HTTPS://h:1"), Some(("h".to_owned(), 1)));
        for bad in ["", "mail.example.com", "https://", "https://h:port/", "https://a b/"] {
            assert_eq!(Address::of(bad), None, "{bad}");
        }
        assert!(Address::of("https://me:secret@h/").unwrap().has_login);
        assert!(Address::of("http://127.0.0.1.example.com/").is_some_and(|address| !address.is_loopback()));
    }
}
