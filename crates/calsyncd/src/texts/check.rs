//! What `check` looked at, what it found, and what to do about it.

super::texts! {
    /// Texts of `check`.
    CheckText {
        // What was looked at.
        StepSettings { en: "settings", de: "Einstellungen" }
        StepName { en: "name", de: "Name" }
        StepConnection { en: "connection", de: "Verbindung" }
        StepLogin { en: "login", de: "Anmeldung" }
        StepService { en: "service", de: "Dienst" }
        StepCalendar { en: "calendar", de: "Kalender" }
        StepUnit { en: "unit", de: "Einheit" }
        StepRights { en: "rights", de: "Rechte" }
        StepClock { en: "clock", de: "Uhr" }
        StepStore { en: "state", de: "Zustand" }
        StepZones { en: "time zones", de: "Zeitzonen" }

        // What is good.
        NameGood { en: "{host} is known", de: "{host} ist bekannt" }
        NameIsAddress { en: "{host} is an address", de: "{host} ist eine Adresse" }
        ConnectionTls { en: "encrypted, certificate trusted", de: "verschlüsselt, dem Zertifikat wird vertraut" }
        ConnectionPinned { en: "encrypted, certificate as pinned", de: "verschlüsselt, Zertifikat wie festgelegt" }
        ConnectionPlain { en: "not encrypted, to this machine", de: "unverschlüsselt, zum eigenen Rechner" }
        LoginGood { en: "accepted as {user}", de: "angenommen als {user}" }
        TokenGood { en: "the token is accepted", de: "das Token wird angenommen" }
        ExchangeVersion { en: "Exchange build {build}, requests as {version}", de: "Exchange Build {build}, Anfragen wie {version}" }
        NvsVersion { en: "{product} {version}, protocol {protocol}", de: "{product} {version}, Protokoll {protocol}" }
        CalendarGood { en: "the calendar of {mailbox} is there", de: "der Kalender von {mailbox} ist da" }
        UnitGood { en: "the calendar unit {unit} is there ({name})", de: "die Verwaltungseinheit {unit} ist da ({name})" }
        RightsGood { en: "may read and create", de: "darf lesen und anlegen" }
        RightsReadOnlyWanted { en: "may read; the direction of this pairing needs no more", de: "darf lesen; mehr braucht die Richtung dieser Paarung nicht" }
        ClockGood { en: "within {offset} s of this machine", de: "weicht höchstens {offset} s von diesem Rechner ab" }
        StoreGood { en: "{path} can be used", de: "{path} ist benutzbar" }
        ZonesGood { en: "the rules of the time zones are of version {version}", de: "die Regeln der Zeitzonen sind von Fassung {version}" }
        ZonesOld {
            en: "the rules of the time zones ({version}) are older than a year; update calsync, or appointments in zones whose rules changed since may be an hour off",
            de: "die Regeln der Zeitzonen ({version}) sind älter als ein Jahr; calsync aktualisieren, sonst können Termine in Zonen mit neuen Regeln um eine Stunde falsch liegen",
        }
        Skipped { en: "not checked, because of the failure above", de: "nicht geprüft, wegen des Fehlers oben" }

        // What is not, each with what to do.
        NameUnknown {
            en: "{host} is not known to this machine; check {setting} for typing mistakes, and the name server",
            de: "{host} ist diesem Rechner nicht bekannt; {setting} auf Tippfehler prüfen, und den Namensserver",
        }
        Refused {
            en: "{host} refuses the connection; check the port in {setting} and that the server runs",
            de: "{host} lehnt die Verbindung ab; den Port in {setting} prüfen, und ob der Server läuft",
        }
        TimedOut {
            en: "{host} does not answer; check {setting}, and whether a firewall is in between",
            de: "{host} antwortet nicht; {setting} prüfen, und ob eine Firewall dazwischen ist",
        }
        NoConnection {
            en: "there is no connection to {host}; check {setting} and the network",
            de: "es kommt keine Verbindung zu {host} zustande; {setting} und das Netz prüfen",
        }
        CertificateUntrusted {
            en: "the certificate of {host} is not trusted; put the certificate of its authority into a PEM file and name it with {ca}, or install it on this machine",
            de: "dem Zertifikat von {host} wird nicht vertraut; das Zertifikat seiner Zertifizierungsstelle in eine PEM-Datei legen und mit {ca} nennen, oder auf diesem Rechner installieren",
        }
        CertificateName {
            en: "the certificate of {host} is for another name; use the name it was made for in {setting}",
            de: "das Zertifikat von {host} gilt für einen anderen Namen; in {setting} den Namen verwenden, für den es ausgestellt ist",
        }
        CertificateExpired {
            en: "the certificate of {host} has expired; renew it on the server, and check the clock of this machine",
            de: "das Zertifikat von {host} ist abgelaufen; auf dem Server erneuern, und die Uhr dieses Rechners prüfen",
        }
        CertificateTooNew {
            en: "the certificate of {host} is not valid yet; check the clock of this machine",
            de: "das Zertifikat von {host} gilt noch nicht; die Uhr dieses Rechners prüfen",
        }
        CertificatePin {
            en: "the certificate of {host} is not the pinned one; if it was renewed on purpose, enter {found} as exchange.fingerprint",
            de: "das Zertifikat von {host} ist nicht das festgelegte; wurde es absichtlich erneuert, {found} als exchange.fingerprint eintragen",
        }
        NoTls {
            en: "there is no TLS connection to {host}; check the port in {setting}, and that the server speaks TLS 1.2 or later",
            de: "zu {host} kommt keine TLS-Verbindung zustande; den Port in {setting} prüfen, und ob der Server TLS 1.2 oder neuer spricht",
        }
        LoginRefused {
            en: "the login is refused; check exchange.user (DOMAIN\\user or user@domain) and the password, that the account is not locked, and that Basic authentication is enabled for the EWS directory",
            de: "die Anmeldung wird abgelehnt; exchange.user (DOMÄNE\\Benutzer oder benutzer@domäne) und das Kennwort prüfen, ob das Konto gesperrt ist, und ob für das EWS-Verzeichnis die Standardauthentifizierung (Basic) eingeschaltet ist",
        }
        TokenRefused {
            en: "the token is refused; enter a valid token of the NVS installation (nvs.token_file or nvs.token_env)",
            de: "das Token wird abgelehnt; ein gültiges Token der NVS-Installation eintragen (nvs.token_file oder nvs.token_env)",
        }
        EwsForbidden {
            en: "the server forbids access; enable EWS for the account (Set-CASMailbox -EwsEnabled $true) and check application access policies",
            de: "der Server verbietet den Zugriff; EWS für das Konto einschalten (Set-CASMailbox -EwsEnabled $true) und Zugriffsrichtlinien prüfen",
        }
        NvsForbidden {
            en: "the server forbids access; give the token's user the right in the NVS Calender",
            de: "der Server verbietet den Zugriff; dem Benutzer des Tokens im NVS Calender das Recht geben",
        }
        NotEws {
            en: "what answers there is not Exchange Web Services; exchange.url usually is https://HOST/EWS/Exchange.asmx",
            de: "was dort antwortet, sind nicht die Exchange Web Services; exchange.url ist meist https://HOST/EWS/Exchange.asmx",
        }
        NotNvs {
            en: "what answers there does not speak the Calender Sync Protocol; check nvs.url",
            de: "was dort antwortet, spricht nicht das Calender Sync Protocol; nvs.url prüfen",
        }
        Busy {
            en: "the server is busy or does not answer; try again later, and look into its log if it stays so",
            de: "der Server ist überlastet oder antwortet nicht; später erneut versuchen, und in sein Protokoll sehen, wenn es so bleibt",
        }
        MailboxUnknown {
            en: "there is no mailbox {mailbox} on this server; remove the pairing and add it again with the primary address of the mailbox: calsyncd pairing remove {pairing}",
            de: "es gibt auf diesem Server kein Postfach {mailbox}; die Paarung entfernen und mit der primären Adresse des Postfachs neu anlegen: calsyncd pairing remove {pairing}",
        }
        CalendarHidden {
            en: "the calendar of {mailbox} is not there or hidden from the service account; give it rights on it (Add-MailboxFolderPermission {mailbox}:\\Calendar -User ... -AccessRights Editor), and check the folder",
            de: "der Kalender von {mailbox} ist nicht da oder für das Dienstkonto unsichtbar; ihm Rechte darauf geben (Add-MailboxFolderPermission {mailbox}:\\Kalender -User ... -AccessRights Editor), und den Ordner prüfen",
        }
        CalendarDenied {
            en: "the service account may not use the calendar of {mailbox}; give it rights on it (Add-MailboxFolderPermission {mailbox}:\\Calendar -User ... -AccessRights Editor)",
            de: "das Dienstkonto darf den Kalender von {mailbox} nicht benutzen; ihm Rechte darauf geben (Add-MailboxFolderPermission {mailbox}:\\Kalender -User ... -AccessRights Editor)",
        }
        ImpersonationDenied {
            en: "the service account may not impersonate {mailbox}; give it the role ApplicationImpersonation (New-ManagementRoleAssignment), or set access to rights",
            de: "das Dienstkonto darf nicht als {mailbox} handeln; ihm die Rolle ApplicationImpersonation geben (New-ManagementRoleAssignment), oder access auf rights setzen",
        }
        NotACalendar {
            en: "the folder is no calendar ({class}); remove the pairing and add it again with another one: calsyncd pairing remove {pairing}",
            de: "der Ordner ist kein Kalender ({class}); die Paarung entfernen und mit einem anderen neu anlegen: calsyncd pairing remove {pairing}",
        }
        RightsMissing {
            en: "the service account may not {missing} in the calendar of {mailbox}; give it the rights of an editor (Set-MailboxFolderPermission {mailbox}:\\Calendar -User ... -AccessRights Editor)",
            de: "das Dienstkonto darf im Kalender von {mailbox} nicht {missing}; ihm die Rechte eines Bearbeiters geben (Set-MailboxFolderPermission {mailbox}:\\Kalender -User ... -AccessRights Editor)",
        }
        RightsUnknown {
            en: "the server does not say what the service account may do",
            de: "der Server sagt nicht, was das Dienstkonto darf",
        }
        RightRead { en: "read", de: "lesen" }
        RightCreate { en: "create", de: "anlegen" }
        UnitUnknown {
            en: "there is no calendar unit {unit}; there are {known}; remove the pairing and add it again with the right one: calsyncd pairing remove {pairing}",
            de: "es gibt keine Verwaltungseinheit {unit}; es gibt {known}; die Paarung entfernen und mit der richtigen neu anlegen: calsyncd pairing remove {pairing}",
        }
        UnitReadOnly {
            en: "the token may only read the calendar unit {unit}; give its user the right to write in the NVS Calender, or set the direction to to_exchange: calsyncd pairing set {pairing} --direction to_exchange",
            de: "das Token darf die Verwaltungseinheit {unit} nur lesen; seinem Benutzer im NVS Calender das Schreibrecht geben, oder die Richtung ändern: calsyncd pairing set {pairing} --direction to_exchange",
        }
        UnitNone {
            en: "the token may not use the calendar unit {unit}; give its user the right in the NVS Calender",
            de: "das Token darf die Verwaltungseinheit {unit} nicht benutzen; seinem Benutzer im NVS Calender das Recht geben",
        }
        ClockOff {
            en: "the server's clock and that of this machine differ by {offset} s; calsync allows for it, but set both by a time server",
            de: "die Uhr des Servers und die dieses Rechners weichen um {offset} s ab; calsync rechnet das ein, trotzdem beide nach einem Zeitserver stellen",
        }
        ClockUnknown { en: "the server does not tell its time", de: "der Server sagt seine Zeit nicht" }
        Unexpected {
            en: "the server answers in an unexpected way; see the detail",
            de: "der Server antwortet unerwartet; siehe Einzelheit",
        }
        NoPairings {
            en: "there are no pairings yet; add one: calsyncd pairing add NAME --unit ... --mailbox ...",
            de: "es gibt noch keine Paarungen; eine anlegen: calsyncd pairing add NAME --unit ... --mailbox ...",
        }

        // The frame.
        MarkOk { en: "ok", de: "gut" }
        MarkWarning { en: "note", de: "Hinweis" }
        MarkFailed { en: "FAILED", de: "FEHLER" }
        MarkSkipped { en: "-", de: "-" }
        Detail { en: "detail: {detail}", de: "Einzelheit: {detail}" }
        AllGood { en: "everything in order", de: "alles in Ordnung" }
        SomeFailed { en: "{count} checks failed", de: "{count} Prüfungen fehlgeschlagen" }
        Installation { en: "this machine", de: "dieser Rechner" }
        PairingHeading { en: "pairing {pairing}", de: "Paarung {pairing}" }
    }
}
