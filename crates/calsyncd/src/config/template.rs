//! The file that `config init` writes: every key, explained, with its default.

use std::path::Path;

use super::Config;
use crate::texts::Lang;

/// The text of a new configuration file that will be at `path`.
pub fn template(lang: Lang, path: &Path) -> String {
    let pattern = match lang {
        Lang::De => DE,
        Lang::En => EN,
    };
    let store = Config::default_store(path);
    let store = store.strip_prefix(path.parent().unwrap_or(Path::new(""))).unwrap_or(&store);
    // A literal string: backslashes of Windows paths stay as they are.
    pattern.replace("{STORE}", &store.display().to_string())
}

const EN: &str = r#"# calsync: keeps the calendars of the NVS Calender and of Microsoft Exchange in step.
#
# Check this file with   calsyncd config check
# and the servers with   calsyncd check
# Pairings (which calendar unit with which mailbox) are not here: see   calsyncd pairing --help
# Relative paths start in the directory of this file. Times look like "90s", "5m", "1h", "90d".

[exchange]
# Address of Exchange Web Services. Always https; http is for this very machine only.
url = "https://mail.example.com/EWS/Exchange.asmx"

# The service account, DOMAIN\user or user@domain. In single quotes, so that \ stays \.
user = 'COMPANY\calsync'

# Its password is never in this file: name a file that holds it (readable for the service only) ...
password_file = "exchange.password"
# ... or an environment variable:
# password_env = "CALSYNC_EXCHANGE_PASSWORD"

# How the service account reaches the calendars; a pairing can say otherwise.
#   "rights"         it has rights (Editor) on each calendar or mailbox
#   "impersonation"  it has the role ApplicationImpersonation
# access = "rights"

# A PEM file with the certificate of your own authority, where the server's certificate comes from none that this
# machine trusts.
# ca_file = "company-ca.pem"

# Or accept exactly one certificate, by its SHA-256 fingerprint.
# fingerprint = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

# How long to wait for an answer.
# timeout = "1m"

# Where the owners of the mailboxes sit: all-day appointments begin at midnight there.
# time_zone = "Europe/Berlin"

[nvs]
# Address of the Calender Sync Protocol of your NVS installation.
url = "https://nvs.example.com/calender"

# The token is never in this file either.
token_file = "nvs.token"
# token_env = "CALSYNC_NVS_TOKEN"

# ca_file = "company-ca.pem"
# timeout = "1m"

[sync]
# How often each pairing is kept in step, where it does not say otherwise.
# interval = "5m"

# How many pairings at the same time.
# concurrency = 4

# How long rounds may take to finish when the service is stopped; what is left is taken up at the next start.
# stop_within = "20s"

[store]
# Where calsync remembers what it has done. On a local disk, one directory for one installation.
directory = '{STORE}'

# How long the journal keeps what appointments were before calsync changed or deleted them (1d to 3650d). The running
# service ends what is older, once a day; what still matters to an open write stays.
# keep_journal = "90d"

[log]
# error, warn, info, debug or trace. Logs hold counts and names of pairings, never passwords and never what
# appointments are about.
# level = "info"

# "text" for people, "json" for log collectors.
# format = "text"
"#;

const DE: &str = r#"# calsync: hält die Kalender des NVS Calenders und von Microsoft Exchange im Gleichschritt.
#
# Diese Datei prüfen:   calsyncd config check
# Die Server prüfen:    calsyncd check
# Paarungen (welche Verwaltungseinheit mit welchem Postfach) stehen nicht hier: siehe   calsyncd pairing --help
# Relative Pfade beginnen im Verzeichnis dieser Datei. Zeitspannen sehen aus wie "90s", "5m", "1h", "90d".

[exchange]
# Adresse der Exchange Web Services. Immer https; http nur zum eigenen Rechner.
url = "https://mail.example.com/EWS/Exchange.asmx"

# Das Dienstkonto, DOMÄNE\Benutzer oder benutzer@domäne. In einfachen Anführungszeichen, damit \ ein \ bleibt.
user = 'FIRMA\calsync'

# Sein Kennwort steht nie in dieser Datei: eine Datei nennen, die es enthält (lesbar nur für den Dienst) ...
password_file = "exchange.password"
# ... oder eine Umgebungsvariable:
# password_env = "CALSYNC_EXCHANGE_PASSWORD"

# Wie das Dienstkonto an die Kalender kommt; eine Paarung kann es anders festlegen.
#   "rights"         es hat Rechte (Bearbeiter) auf jeden Kalender oder jedes Postfach
#   "impersonation"  es hat die Rolle ApplicationImpersonation
# access = "rights"

# Eine PEM-Datei mit dem Zertifikat der eigenen Zertifizierungsstelle, wenn der Rechner dem Zertifikat des Servers
# sonst nicht vertraut.
# ca_file = "firmen-ca.pem"

# Oder genau ein Zertifikat annehmen, an seinem SHA-256-Fingerabdruck erkannt.
# fingerprint = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

# Wie lange auf eine Antwort gewartet wird.
# timeout = "1m"

# Wo die Besitzer der Postfächer sitzen: ganztägige Termine beginnen dort um Mitternacht.
# time_zone = "Europe/Berlin"

[nvs]
# Adresse des Calender Sync Protocol der NVS-Installation.
url = "https://nvs.example.com/calender"

# Auch das Token steht nie in dieser Datei.
token_file = "nvs.token"
# token_env = "CALSYNC_NVS_TOKEN"

# ca_file = "firmen-ca.pem"
# timeout = "1m"

[sync]
# Wie oft jede Paarung abgeglichen wird, wenn sie nichts anderes festlegt.
# interval = "5m"

# Wie viele Paarungen gleichzeitig.
# concurrency = 4

# Wie lange laufende Abgleiche beim Beenden noch Zeit haben; der Rest wird beim nächsten Start aufgenommen.
# stop_within = "20s"

[store]
# Wo calsync sich merkt, was es getan hat. Auf einer lokalen Platte, ein Verzeichnis je Installation.
directory = '{STORE}'

# Wie lange das Journal aufhebt, wie Termine waren, bevor calsync sie geändert oder gelöscht hat (1d bis 3650d). Der
# laufende Dienst entfernt einmal am Tag, was älter ist; was für einen offenen Schreibvorgang zählt, bleibt.
# keep_journal = "90d"

[log]
# error, warn, info, debug oder trace. Im Protokoll stehen Zahlen und Namen von Paarungen, nie Kennwörter und nie,
# worum es in Terminen geht.
# level = "info"

# "text" für Menschen, "json" für Protokollsammler.
# format = "text"
"#;
