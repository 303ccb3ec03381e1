//! What the `pairing` commands tell.

super::texts! {
    /// Texts of the `pairing` commands.
    PairingText {
        Unknown {
            en: "there is no pairing \"{name}\"; there are {known}",
            de: "es gibt keine Paarung \u{201e}{name}\u{201c}; es gibt {known}",
        }
        UnknownNone {
            en: "there is no pairing \"{name}\", and no other either; add one: calsyncd pairing add NAME --unit ... --mailbox ...",
            de: "es gibt keine Paarung \u{201e}{name}\u{201c} und auch keine andere; eine anlegen: calsyncd pairing add NAME --unit ... --mailbox ...",
        }
        Exists {
            en: "there is a pairing \"{name}\" already; choose another name, or change it with pairing set",
            de: "es gibt schon eine Paarung \u{201e}{name}\u{201c}; einen anderen Namen wählen, oder sie mit pairing set ändern",
        }
        UnitTaken {
            en: "the calendar unit {unit} is in the pairing \"{other}\" already; one unit goes with one calendar, remove that pairing first",
            de: "die Verwaltungseinheit {unit} ist schon in der Paarung \u{201e}{other}\u{201c}; eine Einheit gehört zu einem Kalender, erst jene Paarung entfernen",
        }
        CalendarTaken {
            en: "this calendar of {mailbox} is in the pairing \"{other}\" already; one calendar goes with one unit, remove that pairing first",
            de: "dieser Kalender von {mailbox} ist schon in der Paarung \u{201e}{other}\u{201c}; ein Kalender gehört zu einer Einheit, erst jene Paarung entfernen",
        }
        OtherCalendar {
            en: "the pairing \"{name}\" has another unit, mailbox or folder; remove it first and add it anew (its appointments are recognised)",
            de: "die Paarung \u{201e}{name}\u{201c} hat eine andere Einheit, ein anderes Postfach oder einen anderen Ordner; erst entfernen und neu anlegen (ihre Termine werden erkannt)",
        }
        IsPaused {
            en: "the pairing \"{name}\" is paused; go on with calsyncd pairing resume {name}",
            de: "die Paarung \u{201e}{name}\u{201c} ist angehalten; fortsetzen mit calsyncd pairing resume {name}",
        }
        NothingToSet {
            en: "there is nothing to change; see calsyncd pairing set --help",
            de: "es gibt nichts zu ändern; siehe calsyncd pairing set --help",
        }
        Added {
            en: "pairing \"{name}\" added; check it: calsyncd check --pairing {name}, then see what the first sync would do: calsyncd plan --pairing {name}",
            de: "Paarung \u{201e}{name}\u{201c} angelegt; prüfen: calsyncd check --pairing {name}, dann ansehen, was der Erstabgleich täte: calsyncd plan --pairing {name}",
        }
        Changed { en: "pairing \"{name}\" changed", de: "Paarung \u{201e}{name}\u{201c} geändert" }
        Unchanged { en: "pairing \"{name}\" is like that already", de: "Paarung \u{201e}{name}\u{201c} ist schon so" }
        Removed {
            en: "pairing \"{name}\" removed; its appointments stay on both sides",
            de: "Paarung \u{201e}{name}\u{201c} entfernt; ihre Termine bleiben auf beiden Seiten",
        }
        Paused { en: "pairing \"{name}\" paused", de: "Paarung \u{201e}{name}\u{201c} angehalten" }
        Resumed { en: "pairing \"{name}\" resumed", de: "Paarung \u{201e}{name}\u{201c} fortgesetzt" }
        Leads {
            en: "pairing \"{name}\": {side} leads in the next round; nothing is deleted in it, and what loses is in the journal",
            de: "Paarung \u{201e}{name}\u{201c}: im nächsten Abgleich führt {side}; er löscht nichts, und was unterliegt, steht im Journal",
        }
        NothingToChoose {
            en: "pairing \"{name}\": nothing went back in time, so there is nothing to choose; if a side was restored all the same, begin anew: calsyncd pairing reset {name}",
            de: "Paarung \u{201e}{name}\u{201c}: nichts fiel auf einen älteren Stand zurück, also ist nichts zu wählen; wurde eine Seite dennoch wiederhergestellt, neu beginnen: calsyncd pairing reset {name}",
        }
        Reset {
            en: "pairing \"{name}\" reset; the next round is a first sync, which deletes and doubles nothing",
            de: "Paarung \u{201e}{name}\u{201c} zurückgesetzt; der nächste Abgleich ist ein Erstabgleich, der nichts löscht und nichts verdoppelt",
        }
        AskRemove {
            en: "Remove the pairing \"{name}\"? Type yes: ",
            de: "Die Paarung \u{201e}{name}\u{201c} entfernen? Mit ja bestätigen: ",
        }
        AskRemoveErase {
            en: "Remove the pairing \"{name}\", and erase what the journal holds of its appointments? Type yes: ",
            de: "Die Paarung \u{201e}{name}\u{201c} entfernen und löschen, was das Journal von ihren Terminen enthält? Mit ja bestätigen: ",
        }
        AskReset {
            en: "Forget what the pairing \"{name}\" has synchronised? Type yes: ",
            de: "Vergessen, was die Paarung \u{201e}{name}\u{201c} abgeglichen hat? Mit ja bestätigen: ",
        }
        NotConfirmed { en: "nothing was done; confirm, or use --yes", de: "nichts getan; bestätigen oder --yes verwenden" }
        Imported {
            en: "{added} pairings added, {changed} changed, {same} as they were",
            de: "{added} Paarungen angelegt, {changed} geändert, {same} wie bisher",
        }
        ImportFailed {
            en: "nothing was imported from {path}:",
            de: "aus {path} wurde nichts übernommen:",
        }
        ImportUnreadable {
            en: "{path} cannot be read: {why}",
            de: "{path} lässt sich nicht lesen: {why}",
        }
        ImportLine { en: "line {line}: {what}", de: "Zeile {line}: {what}" }
        ImportEmpty { en: "there is no pairing in it", de: "es ist keine Paarung darin" }
        ImportColumnUnknown {
            en: "unknown column or key \"{key}\"; there are {known}",
            de: "unbekannte Spalte oder unbekannter Schlüssel \u{201e}{key}\u{201c}; es gibt {known}",
        }
        ImportColumnNear {
            en: "unknown column or key \"{key}\", did you mean \"{near}\"?",
            de: "unbekannte Spalte oder unbekannter Schlüssel \u{201e}{key}\u{201c}, gemeint ist wohl \u{201e}{near}\u{201c}",
        }
        ImportColumnMissing { en: "\"{key}\" is missing", de: "\u{201e}{key}\u{201c} fehlt" }
        ImportValue {
            en: "\"{key}\" does not take \"{value}\"; it takes {wanted}",
            de: "\u{201e}{key}\u{201c} kennt \u{201e}{value}\u{201c} nicht; möglich ist {wanted}",
        }
        ImportTwice {
            en: "the pairing \"{name}\" is in it twice",
            de: "die Paarung \u{201e}{name}\u{201c} kommt doppelt vor",
        }
        ImportCells {
            en: "this line has {found} fields instead of {wanted}",
            de: "diese Zeile hat {found} Felder statt {wanted}",
        }
        ImportQuote {
            en: "a quotation mark is not closed",
            de: "ein Anführungszeichen wird nicht geschlossen",
        }
        ImportTooLarge {
            en: "the file is larger than 16 MiB; split it",
            de: "die Datei ist größer als 16 MiB; bitte aufteilen",
        }
        ImportNotText { en: "this is no text in UTF-8", de: "das ist kein Text in UTF-8" }
        ColumnName { en: "NAME", de: "NAME" }
        ColumnUnit { en: "UNIT", de: "EINHEIT" }
        ColumnMailbox { en: "MAILBOX", de: "POSTFACH" }
        ColumnDirection { en: "DIRECTION", de: "RICHTUNG" }
        ColumnInterval { en: "INTERVAL", de: "ABSTAND" }
        ColumnState { en: "STATE", de: "STAND" }
        On { en: "on", de: "an" }
        Off { en: "paused", de: "angehalten" }
    }
}
