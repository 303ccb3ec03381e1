//! What `held`, `conflict` and `journal` tell.

super::texts! {
    /// Texts of the commands by which people look at what was done or waits, and decide.
    OrderText {
        // Fields of appointments.
        FieldSpan { en: "time", de: "Zeit" }
        FieldSubject { en: "subject", de: "Betreff" }
        FieldPlace { en: "place", de: "Ort" }
        FieldNotes { en: "notes", de: "Notizen" }
        FieldCategories { en: "type or categories", de: "Typ oder Kategorien" }
        FieldBusy { en: "shown as", de: "angezeigt als" }
        FieldSensitivity { en: "sensitivity", de: "Vertraulichkeit" }
        FieldReminder { en: "reminder", de: "Erinnerung" }
        FieldOrganizer { en: "organiser", de: "Organisator" }
        FieldAttendees { en: "attendees", de: "Teilnehmer" }
        FieldCustomer { en: "customer", de: "Kunde" }
        FieldMeeting { en: "meeting", de: "Besprechung" }
        FieldAttachments { en: "files", de: "Dateien" }
        FieldRecurrence { en: "recurrence", de: "Wiederholung" }
        Cancelled { en: "cancelled", de: "fällt aus" }
        PrivateSubject { en: "(private)", de: "(privat)" }

        // Columns.
        ColumnPairing { en: "PAIRING", de: "PAARUNG" }
        ColumnLink { en: "LINK", de: "VERKNÜPFUNG" }
        ColumnKind { en: "KIND", de: "ART" }
        ColumnSince { en: "SINCE", de: "SEIT" }
        ColumnWhen { en: "TIME", de: "ZEIT" }
        ColumnSubject { en: "SUBJECT", de: "BETREFF" }
        ColumnWhy { en: "WHY", de: "WARUM" }
        ColumnEntry { en: "ENTRY", de: "EINTRAG" }
        ColumnRound { en: "ROUND", de: "ABGLEICH" }
        ColumnAt { en: "AT", de: "AM" }
        ColumnWhat { en: "WHAT", de: "WAS" }
        ColumnOutcome { en: "OUTCOME", de: "ERGEBNIS" }
        ColumnLost { en: "LOST", de: "VERLOREN" }

        // Kinds of what waits.
        KindDeletion { en: "deletion", de: "Löschung" }
        KindConflict { en: "conflict", de: "Konflikt" }
        KindNotCarried { en: "not carried", de: "nicht übertragen" }
        KindCameBack { en: "came back", de: "zurückgekommen" }
        KindOurDouble { en: "there twice", de: "doppelt" }
        KindLeftScope { en: "left filter", de: "aus dem Filter" }
        KindUndo { en: "undo", de: "Rücknahme" }
        KindOscillation { en: "to and fro", de: "hin und her" }
        KindChanges { en: "changes", de: "Änderungen" }

        // What waits.
        NothingHeld { en: "nothing waits for a person", de: "nichts wartet auf einen Menschen" }
        HeldHint {
            en: "calsyncd held approve LINK does what was decided; held reject LINK keeps the appointments; conflicts: calsyncd conflict show LINK",
            de: "calsyncd held approve VERKNÜPFUNG tut, was entschieden wurde; held reject VERKNÜPFUNG behält die Termine; Konflikte: calsyncd conflict show VERKNÜPFUNG",
        }
        Answered { en: "answered, the next round does it", de: "beantwortet, der nächste Abgleich tut es" }
        NotHeld {
            en: "link {link} does not wait for a person; see calsyncd held list",
            de: "Verknüpfung {link} wartet nicht auf einen Menschen; siehe calsyncd held list",
        }
        IsConflict {
            en: "link {link} is a conflict: say whose values stand: calsyncd conflict resolve {link} --prefer nvs (or exchange)",
            de: "Verknüpfung {link} ist ein Konflikt: sagen, wessen Werte gelten: calsyncd conflict resolve {link} --prefer nvs (oder exchange)",
        }
        IsNoConflict {
            en: "link {link} is no conflict: calsyncd held approve {link}, or held reject {link}",
            de: "Verknüpfung {link} ist kein Konflikt: calsyncd held approve {link}, oder held reject {link}",
        }
        NameLinksOrAll {
            en: "name the links, or all of a pairing: --all --pairing NAME",
            de: "die Verknüpfungen nennen, oder alle einer Paarung: --all --pairing NAME",
        }
        ConflictsLeft {
            en: "{count} conflicts are left: they are answered one by one with calsyncd conflict resolve",
            de: "{count} Konflikte bleiben: sie werden einzeln beantwortet, mit calsyncd conflict resolve",
        }

        // What became of it.
        PlacedNext {
            en: "{pairing}: noted ({count}); the running service does it in its next round; see calsyncd held list and calsyncd journal list",
            de: "{pairing}: vorgemerkt ({count}); der laufende Dienst tut es im nächsten Abgleich; siehe calsyncd held list und calsyncd journal list",
        }
        PlacedPaused {
            en: "{pairing}: noted ({count}); the pairing is paused, and it is done when it is resumed",
            de: "{pairing}: vorgemerkt ({count}); die Paarung ist angehalten, und es geschieht, wenn sie fortgesetzt wird",
        }

        OrderDone { en: "link {link}: done as you said (order {order}){note}", de: "Verknüpfung {link}: erledigt, wie Sie es wollten (Auftrag {order}){note}" }
        OrderVoid {
            en: "link {link}: what was asked has changed, so your answer was not used (order {order}){note}; see calsyncd held list",
            de: "Verknüpfung {link}: die Frage ist inzwischen eine andere, die Antwort wurde nicht verwendet (Auftrag {order}){note}; siehe calsyncd held list",
        }
        OrderRefused {
            en: "link {link}: it cannot be done (order {order}){note}",
            de: "Verknüpfung {link}: es geht nicht (Auftrag {order}){note}",
        }
        OrderWaits {
            en: "link {link}: it goes on in a later round (order {order}){note}",
            de: "Verknüpfung {link}: es geht in einem späteren Abgleich weiter (Auftrag {order}){note}",
        }

        // Conflicts.
        NoConflicts { en: "no conflicts", de: "keine Konflikte" }
        ConflictWaits {
            en: "{pairing}: link {link}, {subject}: waits since {since}, changed on both sides",
            de: "{pairing}: Verknüpfung {link}, {subject}: wartet seit {since}, auf beiden Seiten geändert",
        }
        ConflictDecided {
            en: "{pairing}: entry {entry}, link {link}, {subject}: {side} lost on {at}: {why}",
            de: "{pairing}: Eintrag {entry}, Verknüpfung {link}, {subject}: {side} verlor am {at}: {why}",
        }
        VersionBefore { en: "before", de: "vorher" }
        VersionAfter { en: "after", de: "nachher" }
        Disputed { en: "changed on both sides", de: "auf beiden Seiten geändert" }
        Lost { en: "lost", de: "verloren" }
        LostByPolicy { en: "changed on both sides, the rule chose the other", de: "auf beiden Seiten geändert, die Regel wählte die andere" }
        LostByPerson { en: "changed on both sides, a person chose the other", de: "auf beiden Seiten geändert, ein Mensch wählte die andere" }
        LostByLead { en: "recognised as the same appointment, the other side leads", de: "als derselbe Termin erkannt, die andere Seite führt" }
        LostByDeletion { en: "deleted on the other side", de: "auf der anderen Seite gelöscht" }
        LostByDirection { en: "changes of this side are not carried", de: "Änderungen dieser Seite werden nicht übertragen" }
        ResolveHint {
            en: "calsyncd conflict resolve {number} --prefer nvs (or exchange)",
            de: "calsyncd conflict resolve {number} --prefer nvs (oder exchange)",
        }
        NoConflict {
            en: "{number} is neither the link of a waiting conflict nor a journal entry by which something lost; see calsyncd conflict list, and calsyncd conflict list --decided",
            de: "{number} ist weder die Verknüpfung eines wartenden Konflikts noch ein Eintrag im Journal, durch den etwas verlor; siehe calsyncd conflict list und calsyncd conflict list --decided",
        }
        AlreadySo {
            en: "entry {number}: the values of {side} stand already",
            de: "Eintrag {number}: die Werte von {side} gelten schon",
        }

        // Journal.
        NoEntries { en: "the journal has no such entries", de: "das Journal hat keine solchen Einträge" }
        NoEntry {
            en: "there is no journal entry {number}; see calsyncd journal list",
            de: "es gibt keinen Eintrag {number} im Journal; siehe calsyncd journal list",
        }
        EntryHead {
            en: "{pairing}: entry {entry}, round {round}, {at}: {what}, link {link}",
            de: "{pairing}: Eintrag {entry}, Abgleich {round}, {at}: {what}, Verknüpfung {link}",
        }
        EntryWhy { en: "  why: {why}", de: "  warum: {why}" }
        EntryOutcome { en: "  outcome: {outcome}", de: "  Ergebnis: {outcome}" }
        EntryErased {
            en: "  what was in the appointment was erased on {at}; it cannot be undone any more; fields: {paths}",
            de: "  was im Termin stand, wurde am {at} gelöscht; es lässt sich nicht mehr rückgängig machen; Felder: {paths}",
        }
        OutcomeDone { en: "carried out", de: "ausgeführt" }
        OutcomeDoneLate { en: "carried out, as found out later", de: "ausgeführt, wie später festgestellt" }
        OutcomeNot { en: "not carried out, as found out later", de: "nicht ausgeführt, wie später festgestellt" }
        OutcomeOpen { en: "not known yet", de: "noch nicht bekannt" }
        OutcomeOther { en: "{outcome}", de: "{outcome}" }
        UndoWhat {
            en: "say what: --entry ID, or --pairing NAME with --round N or --since TIME",
            de: "sagen, was: --entry NUMMER, oder --pairing NAME mit --round N oder --since ZEIT",
        }
        UndoNothing { en: "there is nothing to undo", de: "es gibt nichts rückgängig zu machen" }
        SkippedErased {
            en: "entry {number}: its content was erased, it cannot be undone",
            de: "Eintrag {number}: sein Inhalt wurde gelöscht, er lässt sich nicht rückgängig machen",
        }
        SkippedNotDone {
            en: "entry {number}: it was not carried out, there is nothing to undo",
            de: "Eintrag {number}: er wurde nicht ausgeführt, es gibt nichts rückgängig zu machen",
        }
        AskErase {
            en: "Erase what the journal of \"{name}\" holds of appointments? It cannot be undone, and none of it can be undone then. Type yes: ",
            de: "Löschen, was das Journal von \u{201e}{name}\u{201c} von Terminen enthält? Das ist endgültig, und rückgängig machen lässt sich dann nichts mehr davon. Mit ja bestätigen: ",
        }
        Erased {
            en: "{name}: erased in {count} journal entries; backups still hold it",
            de: "{name}: in {count} Einträgen des Journals gelöscht; Sicherungen enthalten es noch",
        }
    }
}
