//! Response codes, sorted by what a caller does next.

use super::open_enum::open_enum;

open_enum! {
    /// `ResponseCode` of a message or a fault. Exchange knows more than five hundred; these are the ones that decide
    /// something, the others are kept by name.
    #[allow(missing_docs, reason = "the names are the protocol's own and say what they mean")]
    ResponseCode {
        NoError = "NoError",
        AccessDenied = "ErrorAccessDenied",
        AccessModeSpecified = "ErrorAccessModeSpecified",
        AccountDisabled = "ErrorAccountDisabled",
        BatchProcessingStopped = "ErrorBatchProcessingStopped",
        CalendarCannotMoveOrCopyOccurrence = "ErrorCalendarCannotMoveOrCopyOccurrence",
        CalendarCannotUpdateDeletedItem = "ErrorCalendarCannotUpdateDeletedItem",
        CalendarCannotUseIdForOccurrenceId = "ErrorCalendarCannotUseIdForOccurrenceId",
        CalendarCannotUseIdForRecurringMasterId = "ErrorCalendarCannotUseIdForRecurringMasterId",
        CalendarDurationIsTooLong = "ErrorCalendarDurationIsTooLong",
        CalendarEndDateIsEarlierThanStartDate = "ErrorCalendarEndDateIsEarlierThanStartDate",
        CalendarFolderIsInvalidForCalendarView = "ErrorCalendarFolderIsInvalidForCalendarView",
        CalendarInvalidDayForTimeChangePattern = "ErrorCalendarInvalidDayForTimeChangePattern",
        CalendarInvalidDayForWeeklyRecurrence = "ErrorCalendarInvalidDayForWeeklyRecurrence",
        CalendarInvalidPropertyState = "ErrorCalendarInvalidPropertyState",
        CalendarInvalidRecurrence = "ErrorCalendarInvalidRecurrence",
        CalendarInvalidTimeZone = "ErrorCalendarInvalidTimeZone",
        CalendarIsNotOrganizer = "ErrorCalendarIsNotOrganizer",
        CalendarMeetingRequestIsOutOfDate = "ErrorCalendarMeetingRequestIsOutOfDate",
        CalendarOccurrenceIndexIsOutOfRecurrenceRange = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
        CalendarOccurrenceIsDeletedFromRecurrence = "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
        CalendarOutOfRange = "ErrorCalendarOutOfRange",
        CalendarViewRangeTooBig = "ErrorCalendarViewRangeTooBig",
        CannotCreateCalendarItemInNonCalendarFolder = "ErrorCannotCreateCalendarItemInNonCalendarFolder",
        CannotDeleteObject = "ErrorCannotDeleteObject",
        ChangeKeyRequired = "ErrorChangeKeyRequired",
        ChangeKeyRequiredForWriteOperations = "ErrorChangeKeyRequiredForWriteOperations",
        ConnectionFailed = "ErrorConnectionFailed",
        ContentConversionFailed = "ErrorContentConversionFailed",
        CorruptData = "ErrorCorruptData",
        CreateItemAccessDenied = "ErrorCreateItemAccessDenied",
        CrossSiteRequest = "ErrorCrossSiteRequest",
        DataSizeLimitExceeded = "ErrorDataSizeLimitExceeded",
        ExceededConnectionCount = "ErrorExceededConnectionCount",
        ExceededFindCountLimit = "ErrorExceededFindCountLimit",
        FolderNotFound = "ErrorFolderNotFound",
        ImpersonateUserDenied = "ErrorImpersonateUserDenied",
        ImpersonationDenied = "ErrorImpersonationDenied",
        ImpersonationFailed = "ErrorImpersonationFailed",
        IncorrectSchemaVersion = "ErrorIncorrectSchemaVersion",
        IncorrectUpdatePropertyCount = "ErrorIncorrectUpdatePropertyCount",
        InsufficientResources = "ErrorInsufficientResources",
        InternalServerError = "ErrorInternalServerError",
        InternalServerTransientError = "ErrorInternalServerTransientError",
        InvalidChangeKey = "ErrorInvalidChangeKey",
        InvalidExchangeImpersonationHeaderData = "ErrorInvalidExchangeImpersonationHeaderData",
        InvalidId = "ErrorInvalidId",
        InvalidIdEmpty = "ErrorInvalidIdEmpty",
        InvalidIdMalformed = "ErrorInvalidIdMalformed",
        InvalidIdMalformedEwsLegacyIdFormat = "ErrorInvalidIdMalformedEwsLegacyIdFormat",
        InvalidIdXml = "ErrorInvalidIdXml",
        InvalidPropertyDelete = "ErrorInvalidPropertyDelete",
        InvalidPropertySet = "ErrorInvalidPropertySet",
        InvalidPropertyUpdateSentMessage = "ErrorInvalidPropertyUpdateSentMessage",
        InvalidRequest = "ErrorInvalidRequest",
        InvalidSchemaVersionForMailboxVersion = "ErrorInvalidSchemaVersionForMailboxVersion",
        InvalidServerVersion = "ErrorInvalidServerVersion",
        InvalidSyncStateData = "ErrorInvalidSyncStateData",
        IrresolvableConflict = "ErrorIrresolvableConflict",
        ItemCorrupt = "ErrorItemCorrupt",
        ItemNotFound = "ErrorItemNotFound",
        ItemPropertyRequestFailed = "ErrorItemPropertyRequestFailed",
        ItemSave = "ErrorItemSave",
        ItemSavePropertyError = "ErrorItemSavePropertyError",
        MailboxConfiguration = "ErrorMailboxConfiguration",
        MailboxFailover = "ErrorMailboxFailover",
        MailboxMoveInProgress = "ErrorMailboxMoveInProgress",
        MailboxStoreUnavailable = "ErrorMailboxStoreUnavailable",
        MessageSizeExceeded = "ErrorMessageSizeExceeded",
        MissingEmailAddress = "ErrorMissingEmailAddress",
        MoreThanOneAccessModeSpecified = "ErrorMoreThanOneAccessModeSpecified",
        NameResolutionMultipleResults = "ErrorNameResolutionMultipleResults",
        NameResolutionNoMailbox = "ErrorNameResolutionNoMailbox",
        NameResolutionNoResults = "ErrorNameResolutionNoResults",
        NoCalendar = "ErrorNoCalendar",
        NoRespondingCASInDestinationSite = "ErrorNoRespondingCASInDestinationSite",
        NonExistentMailbox = "ErrorNonExistentMailbox",
        NonPrimarySmtpAddress = "ErrorNonPrimarySmtpAddress",
        ObjectTypeChanged = "ErrorObjectTypeChanged",
        OccurrenceCrossingBoundary = "ErrorOccurrenceCrossingBoundary",
        OccurrenceTimeSpanTooBig = "ErrorOccurrenceTimeSpanTooBig",
        PasswordChangeRequired = "ErrorPasswordChangeRequired",
        PasswordExpired = "ErrorPasswordExpired",
        PropertyUpdate = "ErrorPropertyUpdate",
        ProxyRequestNotAllowed = "ErrorProxyRequestNotAllowed",
        QuotaExceeded = "ErrorQuotaExceeded",
        RecurrenceEndDateTooBig = "ErrorRecurrenceEndDateTooBig",
        RecurrenceHasNoOccurrence = "ErrorRecurrenceHasNoOccurrence",
        SavedItemFolderNotFound = "ErrorSavedItemFolderNotFound",
        SchemaValidation = "ErrorSchemaValidation",
        ServerBusy = "ErrorServerBusy",
        ServiceUnavailable = "ErrorServiceUnavailable",
        StaleObject = "ErrorStaleObject",
        SubmissionQuotaExceeded = "ErrorSubmissionQuotaExceeded",
        SyncFolderNotFound = "ErrorSyncFolderNotFound",
        TimeZone = "ErrorTimeZone",
        TimeoutExpired = "ErrorTimeoutExpired",
        ToFolderNotFound = "ErrorToFolderNotFound",
        TooManyObjectsOpened = "ErrorTooManyObjectsOpened",
        UnsupportedRecurrence = "ErrorUnsupportedRecurrence",
        UpdatePropertyMismatch = "ErrorUpdatePropertyMismatch",
        WrongServerVersion = "ErrorWrongServerVersion",
        WrongServerVersionDelegate = "ErrorWrongServerVersionDelegate",
        NoDestinationCASDueToVersionMismatch = "ErrorNoDestinationCASDueToVersionMismatch",
    }
}

/// What to do about a [`ResponseCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeClass {
    /// It worked.
    Fine,
    /// Later: the server is busy or something behind it is away.
    Later,
    /// A revision is out of date: read again, then decide.
    Stale,
    /// The item is not there under this id.
    Missing,
    /// The change token is worth nothing any more: list the folder anew.
    StartOver,
    /// The folder or mailbox is not there, or nobody may use it: a person has to look.
    Configure,
    /// Name or password is wrong or locked: stop at once, before the account gets locked.
    Login,
    /// Another request version is needed.
    Version,
    /// A smaller page or window is needed.
    Smaller,
    /// This item cannot be read or written as asked; the others can.
    Item,
    /// The request is wrong: a mistake of this client.
    Mistake,
}

impl ResponseCode {
    /// What to do about it. Unknown codes concern the item.
    pub fn class(&self) -> CodeClass {
        use CodeClass::{
            Configure, Fine, Item, Later, Login, Missing, Mistake, Smaller, Stale, StartOver, Version,
        };
        match self {
            Self::NoError => Fine,
            Self::ServerBusy
            | Self::ServiceUnavailable
            | Self::InternalServerTransientError
            | Self::InternalServerError
            | Self::MailboxStoreUnavailable
            | Self::MailboxFailover
            | Self::MailboxMoveInProgress
            | Self::ConnectionFailed
            | Self::TimeoutExpired
            | Self::TooManyObjectsOpened
            | Self::ExceededConnectionCount
            | Self::BatchProcessingStopped
            | Self::InsufficientResources
            | Self::NoRespondingCASInDestinationSite => Later,
            Self::IrresolvableConflict
            | Self::StaleObject
            | Self::ChangeKeyRequired
            | Self::ChangeKeyRequiredForWriteOperations
            | Self::InvalidChangeKey => Stale,
            Self::ItemNotFound | Self::CalendarOccurrenceIsDeletedFromRecurrence => Missing,
            Self::InvalidSyncStateData => StartOver,
            Self::FolderNotFound
            | Self::SyncFolderNotFound
            | Self::SavedItemFolderNotFound
            | Self::ToFolderNotFound
            | Self::NoCalendar
            | Self::AccessDenied
            | Self::CreateItemAccessDenied
            | Self::ImpersonateUserDenied
            | Self::ImpersonationDenied
            | Self::ImpersonationFailed
            | Self::InvalidExchangeImpersonationHeaderData
            | Self::MoreThanOneAccessModeSpecified
            | Self::AccessModeSpecified
            | Self::NonExistentMailbox
            | Self::NonPrimarySmtpAddress
            | Self::MissingEmailAddress
            | Self::MailboxConfiguration
            | Self::CrossSiteRequest
            | Self::ProxyRequestNotAllowed
            | Self::WrongServerVersion
            | Self::WrongServerVersionDelegate
            | Self::NoDestinationCASDueToVersionMismatch
            | Self::QuotaExceeded
            | Self::SubmissionQuotaExceeded
            | Self::NameResolutionNoMailbox => Configure,
            Self::AccountDisabled | Self::PasswordExpired | Self::PasswordChangeRequired => Login,
            Self::InvalidServerVersion
            | Self::IncorrectSchemaVersion
            | Self::InvalidSchemaVersionForMailboxVersion => Version,
            Self::ExceededFindCountLimit | Self::CalendarViewRangeTooBig => Smaller,
            Self::SchemaValidation
            | Self::InvalidRequest
            | Self::IncorrectUpdatePropertyCount
            | Self::UpdatePropertyMismatch
            | Self::CannotCreateCalendarItemInNonCalendarFolder => Mistake,
            _ => Item,
        }
    }
}
