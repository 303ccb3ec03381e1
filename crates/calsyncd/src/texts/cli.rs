//! The help of the command line, and complaints about how it was used.

super::texts! {
    /// Help of commands and options.
    HelpText {
        Program {
            en: "Keeps the calendars of the NVS Calender and of Microsoft Exchange in step",
            de: "Hält die Kalender des NVS Calenders und von Microsoft Exchange im Gleichschritt",
        }
        Run {
            en: "Keep all pairings in step until stopped (the service, in the foreground)",
            de: "Alle Paarungen im Gleichschritt halten, bis zum Beenden (der Dienst, im Vordergrund)",
        }
        Sync {
            en: "One round now",
            de: "Einmal abgleichen, jetzt",
        }
        Plan {
            en: "Say what a round would do and why; writes nothing",
            de: "Sagen, was ein Abgleich tun würde und warum; schreibt nichts",
        }
        Status {
            en: "How the pairings are doing",
            de: "Wie es um die Paarungen steht",
        }
        Held {
            en: "What waits for a person: list it, approve or reject it",
            de: "Was auf einen Menschen wartet: auflisten, zustimmen oder ablehnen",
        }
        HeldList {
            en: "List what waits, with kind, reason, time and subject",
            de: "Auflisten, was wartet, mit Art, Grund, Zeit und Betreff",
        }
        HeldApprove {
            en: "Do what was decided, such as deleting; what changed meanwhile is asked again",
            de: "Tun, was entschieden wurde, etwa löschen; was sich inzwischen geändert hat, wird neu gefragt",
        }
        HeldReject {
            en: "Do the opposite, which loses nothing: what was deleted is made again, what left the filter stays",
            de: "Das Gegenteil tun, bei dem nichts verloren geht: Gelöschtes wird wieder angelegt, was den Filter verließ, bleibt",
        }
        Conflict {
            en: "Where both sides said something different: list, show, say whose values stand",
            de: "Wo beide Seiten Verschiedenes sagten: auflisten, zeigen, sagen, wessen Werte gelten",
        }
        ConflictList {
            en: "List the conflicts that wait, or with --decided those that were decided",
            de: "Die Konflikte auflisten, die warten, oder mit --decided die entschiedenen",
        }
        ConflictShow {
            en: "Show both values field by field, which one won, and why",
            de: "Beide Werte zeigen, Feld für Feld, welcher gewann und warum",
        }
        ConflictResolve {
            en: "Say whose values stand; of a decided conflict, bring back those that lost",
            de: "Sagen, wessen Werte gelten; bei einem entschiedenen Konflikt die verlorenen zurückholen",
        }
        Journal {
            en: "What calsync wrote: list, show, take back, erase",
            de: "Was calsync geschrieben hat: auflisten, zeigen, rückgängig machen, löschen",
        }
        JournalList {
            en: "List the newest entries: what was written, where, why, and how it ended",
            de: "Die neuesten Einträge auflisten: was geschrieben wurde, wo, warum, mit welchem Ergebnis",
        }
        JournalShow {
            en: "Show one entry, before and after, field by field",
            de: "Einen Eintrag zeigen, vorher und nachher, Feld für Feld",
        }
        JournalUndo {
            en: "Take back single writes, a round, or all of a pairing since a time; what people changed since stays",
            de: "Einzelne Schreibvorgänge, einen Abgleich oder alles einer Paarung seit einer Zeit rückgängig machen; was Menschen seither geändert haben, bleibt",
        }
        JournalErase {
            en: "Erase what the journal of a pairing holds of appointments; what was done when and why stays",
            de: "Löschen, was das Journal einer Paarung von Terminen enthält; was wann warum getan wurde, bleibt",
        }
        Check {
            en: "Check name, TLS, login, calendars, rights and clocks, and say what to do about each failure",
            de: "Name, TLS, Anmeldung, Kalender, Rechte und Uhren prüfen, und zu jedem Fehler sagen, was zu tun ist",
        }
        Config {
            en: "The configuration file",
            de: "Die Konfigurationsdatei",
        }
        ConfigInit {
            en: "Write a new configuration file with explanations",
            de: "Eine neue Konfigurationsdatei mit Erklärungen anlegen",
        }
        ConfigCheck {
            en: "Check the configuration file and what it names on this machine",
            de: "Die Konfigurationsdatei prüfen, und was sie auf diesem Rechner nennt",
        }
        Pairing {
            en: "Which calendar unit is kept in step with which mailbox",
            de: "Welche Verwaltungseinheit mit welchem Postfach abgeglichen wird",
        }
        PairingList {
            en: "List all pairings",
            de: "Alle Paarungen auflisten",
        }
        PairingShow {
            en: "Show one pairing with all its settings",
            de: "Eine Paarung mit allen Einstellungen zeigen",
        }
        PairingAdd {
            en: "Add a pairing",
            de: "Eine Paarung anlegen",
        }
        PairingSet {
            en: "Change settings of a pairing",
            de: "Einstellungen einer Paarung ändern",
        }
        PairingRemove {
            en: "Remove a pairing; its appointments stay on both sides",
            de: "Eine Paarung entfernen; ihre Termine bleiben auf beiden Seiten",
        }
        PairingImport {
            en: "Add or change pairings from a CSV or TOML file, all or none",
            de: "Paarungen aus einer CSV- oder TOML-Datei anlegen oder ändern, alle oder keine",
        }
        PairingExport {
            en: "Write all pairings as CSV or TOML",
            de: "Alle Paarungen als CSV oder TOML ausgeben",
        }
        PairingPause {
            en: "Stop keeping a pairing in step until it is resumed",
            de: "Eine Paarung anhalten, bis sie fortgesetzt wird",
        }
        PairingResume {
            en: "Go on with a paused pairing",
            de: "Eine angehaltene Paarung fortsetzen",
        }
        ArgLeader {
            en: "After a side went back in time: whose version stands, nvs or exchange",
            de: "Nachdem eine Seite auf einen älteren Stand zurückfiel: wessen Stand gilt, nvs oder exchange",
        }
        PairingReset {
            en: "Forget what was synchronised; the next round is a first sync, which deletes and doubles nothing",
            de: "Vergessen, was abgeglichen wurde; der nächste Abgleich ist ein Erstabgleich, der nichts löscht und nichts verdoppelt",
        }
        ArgConfig {
            en: "The configuration file (default: ./calsync.toml, else that of the system)",
            de: "Die Konfigurationsdatei (sonst: ./calsync.toml oder die des Systems)",
        }
        ArgLang {
            en: "Language: de or en (default: that of the system)",
            de: "Sprache: de oder en (sonst: die des Systems)",
        }
        ArgJson {
            en: "Print one JSON document and nothing else",
            de: "Ein JSON-Dokument ausgeben und sonst nichts",
        }
        ArgHelp {
            en: "Print this help",
            de: "Diese Hilfe ausgeben",
        }
        ArgVersion {
            en: "Print the version",
            de: "Die Version ausgeben",
        }
        ArgPairing {
            en: "Only this pairing",
            de: "Nur diese Paarung",
        }
        ArgName {
            en: "Name of the pairing",
            de: "Name der Paarung",
        }
        ArgNewName {
            en: "Name of the new pairing, for commands and logs: letters, digits, - _ . @",
            de: "Name der neuen Paarung, für Befehle und Protokolle: Buchstaben, Ziffern, - _ . @",
        }
        ArgUnit {
            en: "Id of the calendar unit in the NVS Calender",
            de: "Kennung der Verwaltungseinheit im NVS Calender",
        }
        ArgMailbox {
            en: "Primary address of the mailbox on Exchange",
            de: "Primäre Adresse des Postfachs auf Exchange",
        }
        ArgFolder {
            en: "Id of another calendar folder of the mailbox (default: its own calendar)",
            de: "Kennung eines anderen Kalenderordners des Postfachs (sonst: dessen eigener Kalender)",
        }
        ArgAccess {
            en: "How the mailbox is reached: rights or impersonation (for a new pairing: as the configuration says)",
            de: "Wie das Postfach erreicht wird: rights oder impersonation (bei einer neuen Paarung: wie in der Konfiguration)",
        }
        ArgInterval {
            en: "How often, like 5m; \"default\" as the configuration says",
            de: "Wie oft, etwa 5m; \u{201e}default\u{201c} wie in der Konfiguration",
        }
        ArgSettings {
            en: "Every setting takes \"default\" to leave it to the defaults again.",
            de: "Jede Einstellung nimmt \u{201e}default\u{201c}, um wieder der Voreinstellung zu folgen.",
        }
        ArgDirection {
            en: "Which way changes go: both, to_exchange, to_nvs",
            de: "In welche Richtung Änderungen gehen: both, to_exchange, to_nvs",
        }
        ArgConflict {
            en: "Who wins when both sides changed the same field: newer, nvs, exchange, hold (a person decides)",
            de: "Wer gewinnt, wenn beide Seiten dasselbe Feld geändert haben: newer, nvs, exchange, hold (ein Mensch entscheidet)",
        }
        ArgConflictOf {
            en: "The same for one field, FIELD=RULE, for example span=nvs; FIELD=default removes it; may be repeated",
            de: "Dasselbe für ein Feld, FELD=REGEL, zum Beispiel span=nvs; FELD=default entfernt es; mehrfach möglich",
        }
        ArgReadOnlyEdit {
            en: "What happens to edits on a side that is not carried: revert, ignore, report",
            de: "Was mit Änderungen auf einer Seite geschieht, die nicht übertragen wird: revert, ignore, report",
        }
        ArgDeletionWins {
            en: "Whether a deletion wins over an edit made at the same time: yes or no",
            de: "Ob eine Löschung gegen eine gleichzeitige Änderung gewinnt: yes oder no",
        }
        ArgGuardCount {
            en: "So many deletions in one round are always allowed",
            de: "So viele Löschungen in einem Abgleich sind immer erlaubt",
        }
        ArgGuardPercent {
            en: "Beyond that, deletions of more than this share of all appointments wait for a person",
            de: "Darüber hinaus warten Löschungen von mehr als diesem Anteil aller Termine auf einen Menschen",
        }
        ArgLead {
            en: "Which side wins where a first sync finds two versions of one appointment: nvs or exchange; in a one-way pairing always the one that changes come from",
            de: "Welche Seite gewinnt, wenn der Erstabgleich zwei Fassungen eines Termins findet: nvs oder exchange; in eine Richtung immer die, von der Änderungen kommen",
        }
        ArgSet {
            en: "Any setting by its name, KEY=VALUE, for example to_nvs_private=mask; see below; may be repeated",
            de: "Jede Einstellung bei ihrem Namen, NAME=WERT, zum Beispiel to_nvs_private=mask; siehe unten; mehrfach möglich",
        }
        Rules {
            en: "Settings for --set (lists stand between semicolons, \"none\" is an empty one):
  past_days, future_days  0 ... 36500 or all: what ended longer ago or begins later gets no counterpart
  leaving                 keep, delete, hold: what becomes of a counterpart when its original leaves filter or window
  type_names              TYPE=CATEGORY; ...: NVS types with the names of Exchange categories; others are the same
  change_guard            off, shifts, any: changes of many appointments at once that wait for a person
  protected_types         TYPE; TYPE: NVS types that Exchange neither deletes nor moves; NVS shows a mark instead
  attachments             1mib ... 1024mib: files up to this size are carried; skip: none are
  unfit_rules             split, expand, report: series whose rule Exchange does not have
  invitations             never, changes: whether Exchange mails attendees, and then only of what concerns them
  category_colours        CATEGORY=COLOUR; ...: colours of categories that are new to a mailbox, such as blue, dark_red
And for each direction, with to_exchange_ or to_nvs_ before the name:
  only_types, except_types        carry only / not appointments with one of these types or categories
  only_subjects, except_subjects  the same by subject; * is anything, ? one character
  except_busy                     not those shown as free, tentative, busy, out_of_office, working_elsewhere
  all_day                         with, without, only
  private                         pass, skip, mask: masked copies show only the time and never change the original
  mask                            the subject of masked copies
  subject                         the subject over there, such as [{type}] {customer}, {place} - {subject}
  unanswered, tentative, declined, cancelled   show, free, skip: meetings in that state
  plain_notes                     yes: notes arrive as plain text, and edits of it keep the formatting of the original",
            de: "Einstellungen für --set (Listen stehen zwischen Semikolons, \"none\" ist eine leere):
  past_days, future_days  0 ... 36500 oder all: was länger vorbei ist oder später beginnt, bekommt kein Gegenstück
  leaving                 keep, delete, hold: was aus dem Gegenstück wird, wenn sein Original Filter oder Fenster verlässt
  type_names              TYP=KATEGORIE; ...: NVS-Typen mit den Namen der Exchange-Kategorien; andere heißen gleich
  change_guard            off, shifts, any: Änderungen vieler Termine auf einmal, die auf einen Menschen warten
  protected_types         TYP; TYP: NVS-Typen, die Exchange weder löscht noch verschiebt; NVS zeigt stattdessen einen Vermerk
  attachments             1mib ... 1024mib: Dateien bis zu dieser Größe werden übertragen; skip: keine
  unfit_rules             split, expand, report: Serien, deren Regel Exchange nicht kennt
  invitations             never, changes: ob Exchange den Teilnehmern schreibt, und dann nur, was sie angeht
  category_colours        KATEGORIE=FARBE; ...: Farben von Kategorien, die ein Postfach noch nicht kennt, etwa blue, dark_red
Und für jede Richtung, mit to_exchange_ oder to_nvs_ vor dem Namen:
  only_types, except_types        nur / keine Termine mit einem dieser Typen oder einer dieser Kategorien
  only_subjects, except_subjects  dasselbe nach dem Betreff; * ist beliebig, ? ein Zeichen
  except_busy                     keine, die als free, tentative, busy, out_of_office, working_elsewhere gezeigt werden
  all_day                         with, without, only: ganztägige Termine mit, ohne, nur sie
  private                         pass, skip, mask: maskierte Kopien zeigen nur die Zeit und ändern nie das Original
  mask                            der Betreff maskierter Kopien
  subject                         der Betreff dort, etwa [{type}] {customer}, {place} - {subject}, auch mit deutschen Namen
  unanswered, tentative, declined, cancelled   show, free, skip: Besprechungen in diesem Stand
  plain_notes                     yes: Notizen kommen als reiner Text an, und seine Änderungen lassen die Formatierung des Originals",
        }
        ArgLinks {
            en: "Numbers of the links, from held list",
            de: "Nummern der Verknüpfungen, aus held list",
        }
        ArgAll {
            en: "Everything that waits in the pairing that --pairing names",
            de: "Alles, was in der mit --pairing genannten Paarung wartet",
        }
        ArgDecided {
            en: "Those that were decided, from the journal",
            de: "Die entschiedenen, aus dem Journal",
        }
        ArgLimit {
            en: "At most so many (default: 50)",
            de: "Höchstens so viele (sonst: 50)",
        }
        ArgConflictNumber {
            en: "Link of a waiting conflict, or journal entry of a decided one",
            de: "Verknüpfung eines wartenden Konflikts, oder Eintrag im Journal eines entschiedenen",
        }
        ArgPrefer {
            en: "Whose values stand: nvs or exchange",
            de: "Wessen Werte gelten: nvs oder exchange",
        }
        ArgLink {
            en: "Only of this link",
            de: "Nur von dieser Verknüpfung",
        }
        ArgRound {
            en: "Only of this round",
            de: "Nur von diesem Abgleich",
        }
        ArgSince {
            en: "Not older than 2026-11-24, \"2026-11-24 08:00\", 2026-11-24T07:00:00Z or 2h (ago)",
            de: "Nicht älter als 2026-11-24, \"2026-11-24 08:00\", 2026-11-24T07:00:00Z oder 2h (vor zwei Stunden)",
        }
        ArgBefore {
            en: "Only what is older, such as 2026-11-24 or 30d",
            de: "Nur was älter ist, etwa als 2026-11-24 oder 30d",
        }
        ArgEntry {
            en: "Number of the journal entry",
            de: "Nummer des Eintrags im Journal",
        }
        ArgEntries {
            en: "Number of a journal entry; may be repeated",
            de: "Nummer eines Eintrags im Journal; mehrfach möglich",
        }
        ArgDryRun {
            en: "Only say what would be done",
            de: "Nur sagen, was geschähe",
        }
        ArgErase {
            en: "Also erase what the journal holds of its appointments",
            de: "Auch löschen, was das Journal von ihren Terminen enthält",
        }
        ArgPaused {
            en: "Add it paused",
            de: "Angehalten anlegen",
        }
        ArgYes {
            en: "Do not ask",
            de: "Nicht nachfragen",
        }
        ArgFile {
            en: "The file, \"-\" for standard input; .toml is TOML, anything else CSV",
            de: "Die Datei, \u{201e}-\u{201c} für die Standardeingabe; .toml ist TOML, alles andere CSV",
        }
        ArgFormat {
            en: "csv or toml",
            de: "csv oder toml",
        }
    }
}

super::texts! {
    /// Frames of the help, and complaints about wrong usage.
    UsageText {
        Usage { en: "Usage", de: "Aufruf" }
        Commands { en: "Commands", de: "Befehle" }
        Options { en: "Options", de: "Optionen" }
        Arguments { en: "Arguments", de: "Argumente" }
        ExitStatus {
            en: "Exit status: 0 all well, 1 failed, 2 wrong usage or configuration, 3 done but something was held, skipped or failed for single items.",
            de: "Rückgabewert: 0 alles gut, 1 fehlgeschlagen, 2 falscher Aufruf oder falsche Konfiguration, 3 erledigt, aber etwas wartet, wurde ausgelassen oder misslang bei einzelnen Terminen.",
        }
        MissingCommand {
            en: "a command is missing; there are {known}",
            de: "es fehlt ein Befehl; es gibt {known}",
        }
        UnknownCommand {
            en: "unknown command \"{word}\"",
            de: "unbekannter Befehl \u{201e}{word}\u{201c}",
        }
        UnknownOption {
            en: "unknown option or superfluous argument \"{word}\"",
            de: "unbekannte Option oder überzähliges Argument \u{201e}{word}\u{201c}",
        }
        DidYouMean {
            en: "{what}, did you mean \"{near}\"?",
            de: "{what}, gemeint ist wohl \u{201e}{near}\u{201c}",
        }
        Missing {
            en: "{words} is missing",
            de: "{words} fehlt",
        }
        BadValue {
            en: "{option} does not take \"{value}\"; it takes {wanted}",
            de: "{option} kennt \u{201e}{value}\u{201c} nicht; möglich ist {wanted}",
        }
        NoValue {
            en: "{option} needs a value",
            de: "{option} braucht einen Wert",
        }
        Conflict {
            en: "{option} can be used only once, or not together with another option",
            de: "{option} geht nur einmal, oder nicht zusammen mit einer anderen Option",
        }
        Other {
            en: "this cannot be understood",
            de: "das ist nicht zu verstehen",
        }
        SeeHelp {
            en: "help: {command} --help",
            de: "Hilfe: {command} --help",
        }
    }
}

/// The help of a command or option: `path` is that of the command (`pairing add`), `argument` the option's id.
pub fn help(path: &str, argument: Option<&str>) -> Option<HelpText> {
    use HelpText as H;
    let Some(argument) = argument else {
        return Some(match path {
            "" => H::Program,
            "run" => H::Run,
            "sync" => H::Sync,
            "plan" => H::Plan,
            "status" => H::Status,
            "held" => H::Held,
            "held list" => H::HeldList,
            "held approve" => H::HeldApprove,
            "held reject" => H::HeldReject,
            "conflict" => H::Conflict,
            "conflict list" => H::ConflictList,
            "conflict show" => H::ConflictShow,
            "conflict resolve" => H::ConflictResolve,
            "journal" => H::Journal,
            "journal list" => H::JournalList,
            "journal show" => H::JournalShow,
            "journal undo" => H::JournalUndo,
            "journal erase" => H::JournalErase,
            "check" => H::Check,
            "config" => H::Config,
            "config init" => H::ConfigInit,
            "config check" => H::ConfigCheck,
            "pairing" => H::Pairing,
            "pairing list" => H::PairingList,
            "pairing show" => H::PairingShow,
            "pairing add" => H::PairingAdd,
            "pairing set" => H::PairingSet,
            "pairing remove" => H::PairingRemove,
            "pairing import" => H::PairingImport,
            "pairing export" => H::PairingExport,
            "pairing pause" => H::PairingPause,
            "pairing resume" => H::PairingResume,
            "pairing reset" => H::PairingReset,
            _ => return None,
        });
    };
    Some(match argument {
        "config" => H::ArgConfig,
        "lang" => H::ArgLang,
        "json" => H::ArgJson,
        "help" => H::ArgHelp,
        "version" => H::ArgVersion,
        "pairing" => H::ArgPairing,
        "name" if path == "pairing add" => H::ArgNewName,
        "name" => H::ArgName,
        "unit" => H::ArgUnit,
        "mailbox" => H::ArgMailbox,
        "folder" => H::ArgFolder,
        "access" => H::ArgAccess,
        "interval" => H::ArgInterval,
        "direction" => H::ArgDirection,
        "conflict" => H::ArgConflict,
        "conflict_of" => H::ArgConflictOf,
        "read_only_edit" => H::ArgReadOnlyEdit,
        "deletion_wins" => H::ArgDeletionWins,
        "guard_count" => H::ArgGuardCount,
        "guard_percent" => H::ArgGuardPercent,
        "lead" if matches!(path, "plan" | "pairing resume") => H::ArgLeader,
        "lead" => H::ArgLead,
        "set" => H::ArgSet,
        "links" => H::ArgLinks,
        "all" => H::ArgAll,
        "decided" => H::ArgDecided,
        "limit" => H::ArgLimit,
        "number" => H::ArgConflictNumber,
        "prefer" => H::ArgPrefer,
        "link" => H::ArgLink,
        "round" => H::ArgRound,
        "since" => H::ArgSince,
        "before" => H::ArgBefore,
        "entry" => H::ArgEntry,
        "entries" => H::ArgEntries,
        "dry_run" => H::ArgDryRun,
        "erase" => H::ArgErase,
        "paused" => H::ArgPaused,
        "yes" => H::ArgYes,
        "file" => H::ArgFile,
        "format" => H::ArgFormat,
        _ => return None,
    })
}
