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

[defaults]
# How pairings are kept in step, where they do not say otherwise. Lists stand between semicolons.
#
# Which way changes go: "both", "to_exchange", "to_nvs".
# direction = "both"
#
# Who wins when both sides changed the same field: "newer", "nvs", "exchange", "hold" (a person decides); and the same for
# single fields.
# conflict = "newer"
# conflict_by_field = "notes=hold span=nvs"
#
# Edits on a side from which nothing is carried: "revert", "ignore", "report".
# read_only_edit = "revert"
#
# Whether a deletion wins over an edit made at the same time.
# deletion_wins = false
#
# More deletions than this in one round, and more than this share, wait for a person.
# guard_count = 5
# guard_percent = 20
#
# Changes of many appointments at once that wait for a person: "shifts" (more than 20 that all move by the same time of up
# to 14 hours, as a wrong clock or time zone does), "any" (also of more than half of all appointments), "off".
# change_guard = "shifts"
#
# NVS types whose appointments are neither deleted nor moved from Exchange: NVS shows that it was tried, and Exchange gets
# them back.
# protected_types = "none"
#
# Which side wins where a first sync finds two versions of one appointment; in a one-way pairing always the one that changes
# come from.
# lead = "nvs"
#
# What ended more days ago, or begins in more days, gets no counterpart; "all" is no limit. And what becomes of the
# counterpart when its original leaves window or filter: "keep", "delete", "hold".
# past_days = "all"
# future_days = "all"
# leaving = "keep"
#
# NVS types with the names of Exchange categories; types that are not named here are called the same.
# type_names = "Einsatz=Job; Urlaub=Out of office"
#
# Files up to this size are carried; "skip": none are.
# attachments = "10mib"
#
# Series whose rule Exchange does not have: "split" (several series), "expand" (single appointments), "report".
# unfit_rules = "split"
#
# Whether Exchange mails attendees: "never", or "changes" (of new meetings, of meetings that go, and where time, place,
# recurrence or attendees change). With "never" attendees are shown in NVS and not written to Exchange.
# invitations = "never"
#
# Colours of categories that calsync enters into a mailbox's list of categories: none, red, orange, peach, yellow, green, teal,
# olive, blue, purple, maroon, steel, dark_steel, grey, dark_grey, black, and dark_ before each of the first ten.
# category_colours = "Job=blue; Out of office=grey"
#
# What may go to Exchange, and how it is shown there. The same keys with to_nvs_ are for the way back.
#
# Only, or not, appointments with one of these types or categories, or with a subject like one of these (* and ?).
# to_exchange_only_types = "Einsatz; Urlaub"
# to_exchange_except_types = "none"
# to_exchange_only_subjects = "none"
# to_exchange_except_subjects = "*intern*"
#
# Not those shown as free, tentative, busy, out_of_office or working_elsewhere; all-day ones "with", "without", "only".
# to_exchange_except_busy = "none"
# to_exchange_all_day = "with"
#
# Private appointments: "pass", "skip", "mask" (only the time, under this subject; editing such a copy changes nothing).
# to_exchange_private = "pass"
# to_exchange_mask = "Privat"
#
# The subject over there, made of {subject}, {type}, {customer} and {place}.
# to_exchange_subject = "[{type}] {customer}, {place} - {subject}"
#
# Meetings that are not answered, accepted with reservation, declined, cancelled: "show", "free" or "skip".
# to_exchange_unanswered = "show"
# to_exchange_tentative = "show"
# to_exchange_declined = "free"
# to_exchange_cancelled = "free"
#
# Whether notes arrive as plain text only. Edits of that text keep the formatting of the original.
# to_exchange_plain_notes = false

[store]
# Where calsync remembers what it has done. On a local disk, one directory for one installation.
directory = '{STORE}'

# How long the journal keeps what appointments were before calsync changed or deleted them (1d to 3650d). The running
# service ends what is older, once a day; what still matters to an open write stays.
# keep_journal = "90d"

# After which time the content of appointments is erased from the journal (1d to 3650d). What was done when, where and why
# stays as long as the entries; what was erased can no longer be undone.
# keep_contents = "90d"

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

[defaults]
# Wie Paarungen abgeglichen werden, wenn sie nichts anderes festlegen. Listen stehen zwischen Semikolons.
#
# In welche Richtung Änderungen gehen: "both", "to_exchange", "to_nvs".
# direction = "both"
#
# Wer gewinnt, wenn beide Seiten dasselbe Feld geändert haben: "newer", "nvs", "exchange", "hold" (ein Mensch entscheidet);
# und dasselbe für einzelne Felder.
# conflict = "newer"
# conflict_by_field = "notes=hold span=nvs"
#
# Änderungen auf einer Seite, von der nichts übertragen wird: "revert", "ignore", "report".
# read_only_edit = "revert"
#
# Ob eine Löschung gegen eine gleichzeitige Änderung gewinnt.
# deletion_wins = false
#
# Mehr Löschungen als so viele in einem Abgleich, und als dieser Anteil, warten auf einen Menschen.
# guard_count = 5
# guard_percent = 20
#
# Änderungen vieler Termine auf einmal, die auf einen Menschen warten: "shifts" (mehr als 20, die alle um dieselbe Zeit von
# bis zu 14 Stunden verschoben sind, wie durch eine falsche Uhr oder Zeitzone), "any" (auch von mehr als der Hälfte aller
# Termine), "off" (keine).
# change_guard = "shifts"
#
# NVS-Typen, deren Termine von Exchange aus weder gelöscht noch verschoben werden: NVS zeigt, dass es versucht wurde, und
# Exchange bekommt sie zurück.
# protected_types = "none"
#
# Welche Seite gewinnt, wenn der Erstabgleich zwei Fassungen eines Termins findet.
# lead = "nvs"
#
# Was mehr Tage vorbei ist, oder erst in mehr Tagen beginnt, bekommt kein Gegenstück; "all" ist ohne Grenze. Und was aus
# dem Gegenstück wird, wenn sein Original Fenster oder Filter verlässt: "keep", "delete", "hold".
# past_days = "all"
# future_days = "all"
# leaving = "keep"
#
# NVS-Typen mit den Namen der Exchange-Kategorien; Typen, die hier nicht stehen, heißen gleich.
# type_names = "Einsatz=Auftrag; Urlaub=Abwesend"
#
# Dateien bis zu dieser Größe werden übertragen; "skip": keine.
# attachments = "10mib"
#
# Serien, deren Regel Exchange nicht kennt: "split" (mehrere Serien), "expand" (einzelne Termine), "report" (melden).
# unfit_rules = "split"
#
# Ob Exchange den Teilnehmern schreibt: "never" (nie), oder "changes" (bei neuen Besprechungen, bei abgesagten, und wenn sich
# Zeit, Ort, Wiederholung oder Teilnehmer ändern). Mit "never" zeigt NVS die Teilnehmer, und nach Exchange kommen sie nicht.
# invitations = "never"
#
# Farben der Kategorien, die calsync in die Kategorienliste eines Postfachs einträgt: none, red, orange, peach, yellow, green,
# teal, olive, blue, purple, maroon, steel, dark_steel, grey, dark_grey, black, und dark_ vor jeder der ersten zehn.
# category_colours = "Auftrag=blue; Abwesend=grey"
#
# Was nach Exchange gehen darf, und wie es dort gezeigt wird. Dieselben Schlüssel mit to_nvs_ gelten für den Rückweg.
#
# Nur Termine, oder keine, mit einem dieser Typen oder Kategorien, oder mit einem solchen Betreff (* und ?).
# to_exchange_only_types = "Einsatz; Urlaub"
# to_exchange_except_types = "none"
# to_exchange_only_subjects = "none"
# to_exchange_except_subjects = "*intern*"
#
# Keine, die als free, tentative, busy, out_of_office oder working_elsewhere gezeigt werden; ganztägige "with" (mit),
# "without" (ohne), "only" (nur sie).
# to_exchange_except_busy = "none"
# to_exchange_all_day = "with"
#
# Private Termine: "pass" (wie sie sind), "skip" (nicht), "mask" (nur die Zeit, unter diesem Betreff; eine solche Kopie zu
# bearbeiten ändert nichts).
# to_exchange_private = "pass"
# to_exchange_mask = "Privat"
#
# Der Betreff dort, aus {betreff}, {typ}, {kunde} und {ort}.
# to_exchange_subject = "[{typ}] {kunde}, {ort} - {betreff}"
#
# Besprechungen, die nicht beantwortet, mit Vorbehalt zugesagt, abgelehnt, abgesagt sind: "show", "free" (als frei) oder "skip".
# to_exchange_unanswered = "show"
# to_exchange_tentative = "show"
# to_exchange_declined = "free"
# to_exchange_cancelled = "free"
#
# Ob Notizen nur als reiner Text ankommen. Wer ihn ändert, lässt die Formatierung des Originals stehen.
# to_exchange_plain_notes = false

[store]
# Wo calsync sich merkt, was es getan hat. Auf einer lokalen Platte, ein Verzeichnis je Installation.
directory = '{STORE}'

# Wie lange das Journal aufhebt, wie Termine waren, bevor calsync sie geändert oder gelöscht hat (1d bis 3650d). Der
# laufende Dienst entfernt einmal am Tag, was älter ist; was für einen offenen Schreibvorgang zählt, bleibt.
# keep_journal = "90d"

# Nach welcher Zeit der Inhalt von Terminen aus dem Journal gelöscht wird (1d bis 3650d). Was wann, wo und warum getan wurde,
# bleibt so lange wie die Einträge; was gelöscht ist, lässt sich nicht mehr rückgängig machen.
# keep_contents = "90d"

[log]
# error, warn, info, debug oder trace. Im Protokoll stehen Zahlen und Namen von Paarungen, nie Kennwörter und nie,
# worum es in Terminen geht.
# level = "info"

# "text" für Menschen, "json" für Protokollsammler.
# format = "text"
"#;
