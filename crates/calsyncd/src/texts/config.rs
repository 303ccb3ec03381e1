//! What is wrong with a configuration file, and what to do.

super::texts! {
    /// Texts about the configuration.
    ConfigText {
        NotThere {
            en: "there is no configuration file {path}; write one with \"calsyncd config init\" or name it with --config",
            de: "es gibt keine Konfigurationsdatei {path}; mit \u{201e}calsyncd config init\u{201c} anlegen oder mit --config angeben",
        }
        Unreadable {
            en: "the configuration file {path} cannot be read: {why}",
            de: "die Konfigurationsdatei {path} lässt sich nicht lesen: {why}",
        }
        TooLarge {
            en: "the configuration file {path} is larger than 1 MiB, so it is something else",
            de: "die Konfigurationsdatei {path} ist größer als 1 MiB und daher etwas anderes",
        }
        Syntax {
            en: "this is not TOML: {why}",
            de: "das ist kein gültiges TOML: {why}",
        }
        UnknownSection {
            en: "unknown section [{key}]; there are {known}",
            de: "unbekannter Abschnitt [{key}]; es gibt {known}",
        }
        UnknownSectionNear {
            en: "unknown section [{key}], did you mean [{near}]?",
            de: "unbekannter Abschnitt [{key}], gemeint ist wohl [{near}]",
        }
        OutsideSection {
            en: "\"{key}\" stands before the first section; put it into one of {known}",
            de: "\u{201e}{key}\u{201c} steht vor dem ersten Abschnitt; in einen von {known} verschieben",
        }
        NotASection {
            en: "\"{key}\" has to be a section: write [{key}] on a line of its own",
            de: "\u{201e}{key}\u{201c} muss ein Abschnitt sein: [{key}] allein in eine Zeile schreiben",
        }
        UnknownKey {
            en: "unknown key \"{key}\" in [{section}]; there are {known}",
            de: "unbekannter Schlüssel \u{201e}{key}\u{201c} in [{section}]; es gibt {known}",
        }
        UnknownKeyNear {
            en: "unknown key \"{key}\" in [{section}], did you mean \"{near}\"?",
            de: "unbekannter Schlüssel \u{201e}{key}\u{201c} in [{section}], gemeint ist wohl \u{201e}{near}\u{201c}",
        }
        SecretInFile {
            en: "\"{key}\" does not belong into this file; put the secret into a file of its own or an environment variable and name it with {instead}",
            de: "\u{201e}{key}\u{201c} gehört nicht in diese Datei; das Geheimnis in eine eigene Datei oder eine Umgebungsvariable legen und mit {instead} benennen",
        }
        MissingSection {
            en: "section [{section}] is missing",
            de: "der Abschnitt [{section}] fehlt",
        }
        Missing {
            en: "[{section}] needs \"{key}\", for example {example}",
            de: "[{section}] braucht \u{201e}{key}\u{201c}, zum Beispiel {example}",
        }
        NeedsOneOf {
            en: "[{section}] needs {first} or {second}",
            de: "[{section}] braucht {first} oder {second}",
        }
        OnlyOneOf {
            en: "[{section}] has both {first} and {second}; remove one",
            de: "[{section}] hat sowohl {first} als auch {second}; eines davon entfernen",
        }
        WrongType {
            en: "\"{key}\" has to be {wanted}",
            de: "\u{201e}{key}\u{201c} muss {wanted} sein",
        }
        WantedText {
            en: "text in quotes",
            de: "ein Text in Anführungszeichen",
        }
        WantedNumber {
            en: "a whole number from {from} to {to}",
            de: "eine ganze Zahl von {from} bis {to}",
        }
        WantedDuration {
            en: "a time in quotes like \"90s\", \"5m\" or \"1h\", from {from} to {to}",
            de: "eine Zeitspanne in Anführungszeichen wie \"90s\", \"5m\" oder \"1h\", von {from} bis {to}",
        }
        WantedChoice {
            en: "one of {choices}",
            de: "eines von {choices}",
        }
        WantedFingerprint {
            en: "a SHA-256 fingerprint of 64 hexadecimal digits",
            de: "ein SHA-256-Fingerabdruck aus 64 Hexadezimalziffern",
        }
        WantedZone {
            en: "the IANA name of a time zone like \"Europe/Berlin\"",
            de: "der IANA-Name einer Zeitzone wie \"Europe/Berlin\"",
        }
        Empty {
            en: "\"{key}\" is empty",
            de: "\u{201e}{key}\u{201c} ist leer",
        }
        UrlNoUrl {
            en: "\"{key}\" is no URL; it looks like {example}",
            de: "\u{201e}{key}\u{201c} ist keine URL; sie sieht aus wie {example}",
        }
        UrlNotEncrypted {
            en: "\"{key}\" has to begin with https; plain http would show the login to the network and is allowed to this machine only",
            de: "\u{201e}{key}\u{201c} muss mit https beginnen; http würde die Anmeldung im Netz zeigen und ist nur zum eigenen Rechner erlaubt",
        }
        UrlHasLogin {
            en: "\"{key}\" must not hold a user name or password",
            de: "\u{201e}{key}\u{201c} darf weder Benutzernamen noch Kennwort enthalten",
        }
        FilterBad {
            en: "\"{key}\" is no level (error, warn, info, debug, trace) and no filter like \"info,ews_client=debug\"",
            de: "\u{201e}{key}\u{201c} ist weder eine Stufe (error, warn, info, debug, trace) noch ein Filter wie \"info,ews_client=debug\"",
        }
        SecretEnvUnset {
            en: "the environment variable {name} ({section}.{key}) is not set; set it for the service, or use {instead}",
            de: "die Umgebungsvariable {name} ({section}.{key}) ist nicht gesetzt; für den Dienst setzen, oder {instead} verwenden",
        }
        SecretFileUnreadable {
            en: "the file {path} ({section}.{key}) cannot be read: {why}; create it, readable for the service only",
            de: "die Datei {path} ({section}.{key}) lässt sich nicht lesen: {why}; anlegen, lesbar nur für den Dienst",
        }
        SecretEmpty {
            en: "{section}.{key} leads to an empty secret; fill it",
            de: "{section}.{key} führt zu einem leeren Geheimnis; eintragen",
        }
        SecretFileOpen {
            en: "others can read the file {path} ({section}.{key}); chmod 600 {path}",
            de: "andere können die Datei {path} ({section}.{key}) lesen; chmod 600 {path}",
        }
        FileUnreadable {
            en: "the file {path} ({section}.{key}) cannot be read: {why}; check the path and the rights",
            de: "die Datei {path} ({section}.{key}) lässt sich nicht lesen: {why}; Pfad und Rechte prüfen",
        }
        StoreUnusable {
            en: "the directory {path} (store.directory) cannot be used: {why}; create it and give the service the right to write there",
            de: "das Verzeichnis {path} (store.directory) ist nicht benutzbar: {why}; anlegen und dem Dienst Schreibrecht geben",
        }
        Line {
            en: "{path}, line {line}, column {column}: {what}",
            de: "{path}, Zeile {line}, Spalte {column}: {what}",
        }
        NoLine {
            en: "{path}: {what}",
            de: "{path}: {what}",
        }
        Good {
            en: "{path}: everything in order",
            de: "{path}: alles in Ordnung",
        }
        GoodButStoreNew {
            en: "the directory {path} (store.directory) is not there yet and will be created",
            de: "das Verzeichnis {path} (store.directory) gibt es noch nicht, es wird angelegt",
        }
        Written {
            en: "{path} was written; enter your servers there, then \"calsyncd config check\"",
            de: "{path} wurde angelegt; dort die Server eintragen, danach \u{201e}calsyncd config check\u{201c}",
        }
        AlreadyThere {
            en: "{path} is there already and is left as it is; remove it or name another file with --config",
            de: "{path} gibt es schon und bleibt, wie sie ist; entfernen oder mit --config eine andere Datei nennen",
        }
        NotWritten {
            en: "{path} cannot be written: {why}",
            de: "{path} lässt sich nicht schreiben: {why}",
        }
    }
}
