//! What `run`, `sync`, `plan` and `status` tell.

super::texts! {
    /// Texts of the commands around rounds.
    OutputText {
        SideNvs { en: "NVS", de: "NVS" }
        SideExchange { en: "Exchange", de: "Exchange" }

        // A round.
        RoundNothing { en: "{pairing}: nothing to do", de: "{pairing}: nichts zu tun" }
        RoundDone { en: "{pairing}: {work}", de: "{pairing}: {work}" }
        RoundFirst { en: "{pairing}: first sync: {work}", de: "{pairing}: Erstabgleich: {work}" }
        WorkOnSide {
            en: "{side}: {created} created, {updated} changed, {deleted} deleted",
            de: "{side}: {created} angelegt, {updated} geändert, {deleted} gelöscht",
        }
        WorkNone { en: "nothing written", de: "nichts geschrieben" }
        Linked { en: "{count} appointments in step", de: "{count} Termine im Gleichschritt" }
        Conflicts {
            en: "{count} with conflicting edits, settled by the rules of the pairing",
            de: "{count} mit widersprüchlichen Änderungen, nach den Regeln der Paarung entschieden",
        }
        Held {
            en: "{count} wait for a person; see calsyncd held list --pairing {pairing}",
            de: "{count} warten auf einen Menschen; siehe calsyncd held list --pairing {pairing}",
        }

        // What a person can do about what waits.
        DoTooMany {
            en: "{count} were deleted on {side}, too many at once to be meant; look at them: calsyncd held list --pairing {pairing}; then calsyncd held approve deletes them on {other} too, held reject makes them again on {side}; or allow it from now on: calsyncd pairing set {pairing} --guard-percent 100 (afterwards: --guard-percent default)",
            de: "{count} wurden in {side} gelöscht, zu viele auf einmal, um gemeint zu sein; ansehen: calsyncd held list --pairing {pairing}; dann löscht calsyncd held approve sie auch in {other}, held reject legt sie in {side} wieder an; oder es ab jetzt erlauben: calsyncd pairing set {pairing} --guard-percent 100 (danach: --guard-percent default)",
        }
        DoConflict {
            en: "{count} were changed on both sides, and the pairing leaves it to a person; look at them: calsyncd conflict list --pairing {pairing}; say whose values stand: calsyncd conflict resolve; or edit one side until both say the same, or say who wins from now on: calsyncd pairing set {pairing} --conflict newer (or nvs, exchange)",
            de: "{count} wurden auf beiden Seiten geändert, und die Paarung überlässt es einem Menschen; ansehen: calsyncd conflict list --pairing {pairing}; sagen, wessen Werte gelten: calsyncd conflict resolve; oder auf einer Seite ändern, bis beide dasselbe sagen, oder festlegen, wer ab jetzt gewinnt: calsyncd pairing set {pairing} --conflict newer (oder nvs, exchange)",
        }
        DoCameBack {
            en: "{count} came back on {side} after they were deleted; delete them there, or edit them there to keep them",
            de: "{count} kamen in {side} zurück, nachdem sie gelöscht waren; dort löschen, oder dort ändern, um sie zu behalten",
        }
        DoOurDouble {
            en: "{count} are there twice on {side}; delete one of the two there",
            de: "{count} gibt es in {side} doppelt; dort eines von beiden löschen",
        }
        DoTooManyChanges {
            en: "{count} were changed on {side}, too many at once to be meant; look at them: calsyncd plan --pairing {pairing}; then: calsyncd held approve (carry them to {other}) or calsyncd held reject (take them back on {side}); never ask again: calsyncd pairing set {pairing} --set change_guard=off",
            de: "{count} wurden in {side} geändert, zu viele auf einmal, um gemeint zu sein; ansehen: calsyncd plan --pairing {pairing}; dann: calsyncd held approve (nach {other} übertragen) oder calsyncd held reject (in {side} zurücknehmen); nie mehr fragen: calsyncd pairing set {pairing} --set change_guard=off",
        }
        DoOscillation {
            en: "{count} were written to and fro too often: two programs change them in turn; find out which, or make both sides say the same, then: calsyncd held approve (go on) or calsyncd held reject (leave both sides as they are)",
            de: "{count} wurden zu oft hin und her geschrieben: zwei Programme ändern sie abwechselnd; herausfinden, welche, oder auf beiden Seiten dasselbe eintragen, dann: calsyncd held approve (weitermachen) oder calsyncd held reject (beide Seiten lassen, wie sie sind)",
        }
        DoNotCarried {
            en: "{count} were changed on {side}, which may not be carried; take the change back there, or let calsync do it: calsyncd pairing set {pairing} --read-only-edit revert (or ignore)",
            de: "{count} wurden in {side} geändert, was nicht übertragen werden darf; dort zurücknehmen, oder calsync soll es tun: calsyncd pairing set {pairing} --read-only-edit revert (oder ignore)",
        }
        DoLeftScope {
            en: "{count} left the filter or the window on {side}; take them back into it there, or let calsync decide: calsyncd pairing set {pairing} --set leaving=keep (or delete)",
            de: "{count} fallen in {side} nicht mehr unter Filter oder Zeitfenster; dort wieder passend machen, oder calsync soll entscheiden: calsyncd pairing set {pairing} --set leaving=keep (oder delete)",
        }
        Failing {
            en: "{count} were set aside after a failure and are tried again later",
            de: "{count} wurden nach einem Fehler zurückgestellt und werden später erneut versucht",
        }
        ItemFailed { en: "{side}, link {link}: {why}", de: "{side}, Verknüpfung {link}: {why}" }
        FilesLeftOut {
            en: "link {link}: files not carried to {side}, as they are too large or cannot be held there: {count}",
            de: "Verknüpfung {link}: nicht nach {side} übertragene Dateien, da zu groß oder dort nicht möglich: {count}",
        }
        RoundFailed {
            en: "{pairing}: {side} could not be used: {why}",
            de: "{pairing}: {side} war nicht benutzbar: {why}",
        }
        RoundBroken {
            en: "{pairing}: {why}",
            de: "{pairing}: {why}",
        }
        SeeCheck {
            en: "calsyncd check --pairing {pairing} says what to do",
            de: "calsyncd check --pairing {pairing} sagt, was zu tun ist",
        }

        // What a side said, by what happens next.
        WhyThrottled { en: "the server asks to wait {seconds} s", de: "der Server bittet, {seconds} s zu warten" }
        WhyUnavailable {
            en: "the server cannot be reached now; it is tried again",
            de: "der Server ist jetzt nicht erreichbar; es wird erneut versucht",
        }
        WhyNoAnswer {
            en: "the server did not answer; it is tried again",
            de: "der Server hat nicht geantwortet; es wird erneut versucht",
        }
        WhyDenied { en: "{detail}", de: "kein Zugriff ({detail})" }
        WhyNoCalendar { en: "the calendar is not there: {detail}", de: "der Kalender ist nicht da ({detail})" }
        WhyProtocol {
            en: "its answer cannot be understood: {detail}",
            de: "die Antwort ist nicht zu verstehen ({detail})",
        }
        WhyWentBack {
            en: "it was restored from a backup and is older now than what was read before, so calsync writes nothing until you choose whose version stands; see what each choice would do: calsyncd plan --pairing {pairing} --lead nvs (or exchange); choose: calsyncd pairing resume {pairing} --lead nvs (or exchange); nothing is deleted then, what is missing on one side is made again, and what loses is in the journal",
            de: "der Server wurde aus einer Sicherung wiederhergestellt und ist jetzt älter als das, was vorher gelesen wurde; calsync schreibt nichts, bis Sie entscheiden, wessen Stand gilt; ansehen, was jede Wahl täte: calsyncd plan --pairing {pairing} --lead nvs (oder exchange); wählen: calsyncd pairing resume {pairing} --lead nvs (oder exchange); dabei wird nichts gelöscht, was auf einer Seite fehlt, wird dort neu angelegt, und was unterliegt, steht im Journal",
        }
        WhyEmptied {
            en: "the calendar is not the one that it was: it was emptied or made anew; calsync writes nothing until you choose whose version stands; see what each choice would do: calsyncd plan --pairing {pairing} --lead nvs (or exchange); choose: calsyncd pairing resume {pairing} --lead nvs (or exchange); what is missing on one side is made again there, and nothing is deleted",
            de: "der Kalender ist nicht mehr der, der er war: er wurde geleert oder neu angelegt; calsync schreibt nichts, bis Sie entscheiden, wessen Stand gilt; ansehen, was jede Wahl täte: calsyncd plan --pairing {pairing} --lead nvs (oder exchange); wählen: calsyncd pairing resume {pairing} --lead nvs (oder exchange); was auf einer Seite fehlt, wird dort neu angelegt, gelöscht wird nichts",
        }
        WhyForeign {
            en: "another installation keeps this calendar in step, so calsync does not write to it; if this one is a copy for tests, pair other calendars: calsyncd pairing pause {pairing}; if this one takes over, stop the other one first, then: calsyncd pairing resume {pairing} --lead nvs (or exchange)",
            de: "diesen Kalender gleicht eine andere Installation ab, deshalb schreibt calsync nicht hinein; ist diese hier eine Kopie für Tests, andere Kalender verbinden: calsyncd pairing pause {pairing}; soll diese hier übernehmen, zuerst die andere beenden, dann: calsyncd pairing resume {pairing} --lead nvs (oder exchange)",
        }
        Unmarked {
            en: "{pairing}: no mark can be left in the calendar on {side}, so a restore of it from a backup would not be noticed; on Exchange this takes the owner's rights to the folder, or impersonation ({why})",
            de: "{pairing}: im Kalender in {side} lässt sich kein Merkzeichen hinterlegen, deshalb würde nicht bemerkt, wenn er aus einer Sicherung wiederhergestellt wird; in Exchange braucht es dafür Besitzerrechte am Ordner oder Identitätswechsel ({why})",
        }
        StateWasOlder {
            en: "{pairing}: the state of calsync was older than the calendars; both were read from the beginning",
            de: "{pairing}: der Zustand von calsync war älter als die Kalender; beide wurden von Anfang an gelesen",
        }
        WhyOther { en: "{detail}", de: "{detail}" }
        WhyStoreConflict {
            en: "another process works on this pairing at the same time; try again",
            de: "ein anderer Prozess bearbeitet gleichzeitig diese Paarung; erneut versuchen",
        }
        WhyStoreFenced {
            en: "another process took over this pairing while this one stood still, and goes on with it; nothing more was written. If that happens often, look why two of them run",
            de: "ein anderer Prozess hat diese Paarung übernommen, während dieser stillstand, und macht mit ihr weiter; geschrieben wurde seither nichts mehr. Kommt das öfter vor, bitte nachsehen, warum zwei laufen"
        }
        WhyStoreLeased {
            en: "{detail} works on this pairing; try again when it has finished, or stop it",
            de: "{detail} bearbeitet diese Paarung; erneut versuchen, wenn das beendet ist, oder diesen Prozess beenden"
        }
        WaitsForLease {
            en: "{pairing}: {holder} had this pairing last and did not give it back; waiting up to {seconds} seconds for a sign of life",
            de: "{pairing}: {holder} hatte diese Paarung zuletzt und hat sie nicht zurückgegeben; es wird bis zu {seconds} Sekunden auf ein Lebenszeichen gewartet"
        }
        WhyStoreUnavailable { en: "the state cannot be used now: {detail}", de: "der Zustand ist jetzt nicht benutzbar ({detail})" }
        WhyStoreInUse {
            en: "the state is in use: {detail}; while the service runs it synchronises by itself, and status, plan, check and pairing can be used beside it",
            de: "der Zustand ist in Benutzung ({detail}); solange der Dienst läuft, gleicht er selbst ab, und status, plan, check und pairing gehen daneben",
        }
        WhyStoreDamaged {
            en: "the state is damaged: {detail}; restore a backup, or reset the pairing",
            de: "der Zustand ist beschädigt ({detail}); eine Sicherung zurückspielen oder die Paarung zurücksetzen",
        }

        // A plan.
        PlanNothing { en: "{pairing}: nothing to do", de: "{pairing}: nichts zu tun" }
        PlanHeading { en: "{pairing}: {count} steps", de: "{pairing}: {count} Schritte" }
        PlanMore { en: "... and {count} more", de: "... und {count} weitere" }
        ActCreate { en: "create on {side}", de: "anlegen in {side}" }
        ActUpdate { en: "change on {side}", de: "ändern in {side}" }
        ActDelete { en: "delete on {side}", de: "löschen in {side}" }
        ActPair { en: "pair", de: "verknüpfen" }
        ActHold { en: "hold", de: "anhalten" }
        ActLeave { en: "leave", de: "lassen" }
        BecauseNew { en: "new on {side}", de: "neu in {side}" }
        BecauseChanged { en: "changed on {side}", de: "geändert in {side}" }
        BecauseChangedOnBoth { en: "changed on both sides", de: "auf beiden Seiten geändert" }
        BecauseDeleted { en: "deleted on {side}", de: "gelöscht in {side}" }
        BecauseEditBeatsDeletion {
            en: "deleted on {side}, but edited on {other}",
            de: "gelöscht in {side}, aber geändert in {other}",
        }
        BecauseDeletionBeatsEdit {
            en: "edited on {other}, but deleted on {side}",
            de: "geändert in {other}, aber gelöscht in {side}",
        }
        BecauseReverted {
            en: "changed on {side}, which is not carried: taken back",
            de: "geändert in {side}, was nicht übertragen wird: zurückgenommen",
        }
        BecauseNotCarried { en: "{side} is not carried", de: "{side} wird nicht übertragen" }
        BecauseSameReceipt { en: "the same appointment by our mark in it", de: "derselbe Termin nach unserem Vermerk darin" }
        BecauseSameUid { en: "the same appointment by its UID", de: "derselbe Termin nach seiner UID" }
        BecauseSameContent {
            en: "the same appointment by subject, start and end",
            de: "derselbe Termin nach Betreff, Beginn und Ende",
        }
        BecauseTooMany {
            en: "deleted on {side}: too many at once to be meant",
            de: "gelöscht in {side}: zu viele auf einmal, um gemeint zu sein",
        }
        BecauseConflict {
            en: "changed on both sides, and the rule leaves it to a person",
            de: "auf beiden Seiten geändert, und die Regel überlässt es einem Menschen",
        }
        BecauseCameBack {
            en: "was deleted before and came back on {side}",
            de: "war schon gelöscht und kam in {side} zurück",
        }
        BecauseOutOfScope { en: "{side} is not carried: {why}", de: "{side} wird nicht übertragen: {why}" }
        BecauseLeftScope { en: "no longer carried from {side}: {why}", de: "wird aus {side} nicht mehr übertragen: {why}" }
        BecauseLeads { en: "{side} leads since something went back in time", de: "{side} führt, seit etwas auf einen älteren Stand zurückfiel" }
        BecauseRulesChanged { en: "the rules of the pairing changed", de: "die Regeln der Paarung haben sich geändert" }
        BecauseRejected { en: "deleted on {side}, which a person rejected", de: "in {side} gelöscht, was abgelehnt wurde" }
        BecauseChosen { en: "changed on both sides, and a person chose {side}", de: "auf beiden Seiten geändert, entschieden wurde für {side}" }
        BecauseUndo { en: "a person takes back what was written to {side}", de: "was in {side} geschrieben wurde, wird auf Wunsch zurückgenommen" }
        OutsideCategory { en: "the filter leaves out its type", de: "der Filter schließt seine Art aus" }
        OutsideBusy { en: "the filter leaves out its busy status", de: "der Filter schließt seinen Status (frei/gebucht) aus" }
        OutsideAllDay { en: "the filter leaves out all-day ones or all others", de: "der Filter schließt ganztägige oder alle anderen aus" }
        OutsideSubject { en: "the filter leaves out its subject", de: "der Filter schließt seinen Betreff aus" }
        OutsidePrivate { en: "private appointments are not carried", de: "private Termine werden nicht übertragen" }
        OutsidePast { en: "it is over for too long", de: "er ist schon zu lange vorbei" }
        OutsideFuture { en: "it is too far ahead", de: "er liegt noch zu weit in der Zukunft" }
        OutsideMeeting {
            en: "the meeting was declined, cancelled or not accepted",
            de: "die Besprechung wurde abgelehnt, abgesagt oder nicht zugesagt",
        }
        BecauseTooManyChanges {
            en: "changed on {side}: too many at once to be meant",
            de: "geändert in {side}: zu viele auf einmal, um gemeint zu sein",
        }
        BecauseProtected {
            en: "deleted or moved on {side}, where its type may not be: marked in {other}, then taken back",
            de: "gelöscht oder verschoben in {side}, was bei dieser Terminart nicht geht: in {other} vermerkt, dann zurückgenommen",
        }
        BecauseOscillation {
            en: "written to and fro too often: two programs answer each other",
            de: "zu oft hin und her geschrieben: zwei Programme antworten einander",
        }
        BecauseOurDouble {
            en: "there twice on {side}: made twice, or put back while it was made anew",
            de: "doppelt in {side}: zweimal angelegt, oder zurückgeholt, während es neu angelegt wurde",
        }
        Winner { en: "{path}: {side} wins", de: "{path}: {side} gewinnt" }
        WinnerNone { en: "{path}: waits", de: "{path}: wartet" }

        // Status.
        StatusService { en: "service: {state}", de: "Dienst: {state}" }
        StatusRunning { en: "runs ({detail})", de: "läuft ({detail})" }
        StatusNotRunning { en: "does not run", de: "läuft nicht" }
        StatusNoPairings {
            en: "no pairings yet; add one: calsyncd pairing add NAME --unit ... --mailbox ...",
            de: "noch keine Paarungen; eine anlegen: calsyncd pairing add NAME --unit ... --mailbox ...",
        }
        ColumnPairing { en: "PAIRING", de: "PAARUNG" }
        ColumnState { en: "STATE", de: "STAND" }
        ColumnLinked { en: "IN STEP", de: "GLEICH" }
        ColumnHeld { en: "HELD", de: "WARTET" }
        ColumnFailing { en: "FAILING", de: "MISSLINGT" }
        ColumnLast { en: "LAST ROUND", de: "LETZTER ABGLEICH" }
        StateGood { en: "good", de: "gut" }
        StatePaused { en: "paused", de: "angehalten" }
        StateNever { en: "never run", de: "noch nie" }
        StateFirst { en: "first sync", de: "Erstabgleich" }
        StateAttention { en: "see below", de: "siehe unten" }
        StateFailed { en: "failed", de: "Fehler" }
        LastRound { en: "{at}, {seconds} s", de: "{at}, {seconds} s" }
        LastFailure { en: "{pairing}: {why}", de: "{pairing}: {why}" }
    }
}
