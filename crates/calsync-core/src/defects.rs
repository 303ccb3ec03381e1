//! Defects that are planted on purpose, so that a test can show that it would find them.
//!
//! Every safeguard of the engine has one. Where the safeguard acts, the code asks [`planted`]; without the cargo feature
//! `defects` that is a constant `false`, and no product is built with the feature (`.ci/run` looks). With it, `with` switches
//! defects on for what a closure does on its own thread. The simulated world of `calsync-testkit` has to find each of them:
//! `docs/defects.md` says how soon, `docs/adr/0010-planted-defects.md` why it is done like this.

macro_rules! defects {
    ($($(#[doc = $says:literal])+ $name:ident = $kebab:literal,)+) => {
        /// A safeguard that is off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect {
            $($(#[doc = $says])+ $name,)+
        }

        #[cfg(feature = "defects")]
        impl Defect {
            /// Every defect.
            pub const ALL: &[Defect] = &[$(Defect::$name,)+];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Defect::$name => $kebab,)+
                }
            }

            /// What is wrong, in one sentence.
            pub fn says(self) -> &'static str {
                match self {
                    $(Defect::$name => concat!($($says,)+).trim_ascii(),)+
                }
            }

            /// The defect of that name.
            pub fn by_name(name: &str) -> Option<Defect> {
                Defect::ALL.iter().copied().find(|defect| defect.name() == name)
            }
        }
    };
}

defects! {
    /// A shadow is what was sent, not what the side gave back.
    ShadowAsSent = "shadow-as-sent",
    /// An update that was interrupted is taken as carried out, without looking for its receipt.
    RecoveryAssumesDone = "recovery-assumes-done",
    /// What an interrupted create left half made is taken as whole.
    HalfMadeIsWhole = "half-made-is-whole",
    /// Interrupted writes are never settled.
    NoRecovery = "no-recovery",
    /// An interrupted create is taken as not carried out, without asking for its token.
    RecoveryAsksNobody = "recovery-asks-nobody",
    /// Writes leave without being journaled.
    NoJournal = "no-journal",
    /// Writes leave although the journal could not be written.
    JournalErrorIgnored = "journal-error-ignored",
    /// What is open is forgotten when the process ends.
    NoIntents = "no-intents",
    /// The journal does not say what stood there before.
    NoBeforeImage = "no-before-image",
    /// However many deletions are seen at once, they are carried.
    GuardOff = "guard-off",
    /// A first sync deletes.
    FirstSyncDeletes = "first-sync-deletes",
    /// An item that always fails is tried again and again without delay.
    NoRetryDelay = "no-retry-delay",
    /// A change counts as carried though the other side refused it.
    RefusedIsInStep = "refused-is-in-step",
    /// The store takes what an overtaken process brings.
    FenceIgnored = "fence-ignored",
    /// Whoever has a pairing goes on writing when its lease has run out.
    LeaseNeverEnds = "lease-never-ends",
    /// A pairing is taken over though whoever has it may live.
    LeaseTakenAtOnce = "lease-taken-at-once",
    /// Whoever commits last wins, whatever somebody else committed meanwhile.
    CommitVersionIgnored = "commit-version-ignored",
    /// Items that say they were written by a younger store are compared with what an older one remembers.
    OlderStoreUnnoticed = "older-store-unnoticed",
    /// What was deleted on both sides and comes back from an old copy is carried.
    TombstoneIgnored = "tombstone-ignored",
    /// What was deleted on both sides is not remembered.
    NoTombstone = "no-tombstone",
    /// A second item that we made is carried to where the first one came from.
    DoublesUnnoticed = "doubles-unnoticed",
    /// Of two items with one UID both are carried.
    TwinsUnnoticed = "twins-unnoticed",
    /// What is still open is decided anew.
    OpenWriteIgnored = "open-write-ignored",
    /// A write without answer is taken as carried out.
    UnknownIsWritten = "unknown-is-written",
    /// A write that was refused is taken as carried out.
    RefusedIsWritten = "refused-is-written",
    /// What was written is not read back.
    NoReadBack = "no-read-back",
    /// What somebody changed between a write and its reading back is taken as written.
    ChangedSinceIsOurs = "changed-since-is-ours",
    /// A change token is stored before what it covers.
    TokenBeforeData = "token-before-data",
    /// What the feed calls gone is gone, without reading it.
    FeedProvesAbsence = "feed-proves-absence",
    /// What a full listing does not mention is gone, without reading it.
    ListingProvesAbsence = "listing-proves-absence",
    /// What a full listing does not mention is not read.
    UnlistedNotRead = "unlisted-not-read",
    /// What went while a page was read is decided before it is known where it went.
    OutrunIgnored = "outrun-ignored",
    /// An item that cannot be read is gone.
    UnreadableIsGone = "unreadable-is-gone",
    /// A side that went back in time is read like any other.
    RestoreUnnoticed = "restore-unnoticed",
    /// An item that is there under another name is another item.
    MovesNotFound = "moves-not-found",
    /// Receipts put nothing together.
    NoReceiptMatch = "no-receipt-match",
    /// UIDs put nothing together.
    NoUidMatch = "no-uid-match",
    /// Content puts nothing together in a first sync.
    NoContentMatch = "no-content-match",
    /// A receipt is believed also in a copy.
    CopyIsOurs = "copy-is-ours",
    /// Nobody asks whether an item was made already before making it.
    NoLookBeforeCreate = "no-look-before-create",
    /// The clocks of the servers are taken to be right.
    ClockOffsetIgnored = "clock-offset-ignored",
    /// A deletion wins over an edit that it had not seen.
    DeletionBeatsEdit = "deletion-beats-edit",
    /// New appointments are carried against the direction.
    DirectionIgnored = "direction-ignored",
    /// Edits are carried against the direction.
    EditAgainstDirection = "edit-against-direction",
    /// Deleting a masked copy deletes its original.
    MaskedCopyDeletes = "masked-copy-deletes",
    /// Edits of a masked copy reach its original.
    MaskedCopyCarriedBack = "masked-copy-carried-back",
    /// What is made a second time is made under the token of the first.
    TokenUsedAgain = "token-used-again",
    /// What leaves filter or window is deleted on the other side.
    LeavingDeletes = "leaving-deletes",
    /// What a side cannot hold is written to it all the same.
    UnheldWritten = "unheld-written",
    /// Private appointments are carried where they are to be skipped.
    PrivateCarried = "private-carried",
    /// The filter stops nothing.
    FilterIgnored = "filter-ignored",
    /// The window stops nothing.
    WindowIgnored = "window-ignored",
    /// Instances of a masked series are shown as they are.
    MaskMissesInstances = "mask-misses-instances",
    /// Where both sides were changed, the whole of one is written over the other.
    WholeRecordWins = "whole-record-wins",
    /// A series that was moved leaves the other side's instances where they were.
    InstancesStayBehind = "instances-stay-behind",
    /// An instance that was cancelled stays so, though the other side edited it.
    CancelledBeatsEdit = "cancelled-beats-edit",
    /// A write names a revision, and the server does not compare it before it updates.
    UpdateUnconditional = "update-unconditional",
    /// A write names a revision, and the server does not compare it before it deletes.
    DeleteUnconditional = "delete-unconditional",
    /// What we made is not looked for where the feed does not show it.
    MadeNotLookedFor = "made-not-looked-for",
    /// What the owner of an item does not let others change is changed.
    AccessIgnored = "access-ignored",
    /// What belongs to somebody else is deleted.
    ForeignDeleted = "foreign-deleted",
    /// When rules or the window change, what was decided before is not looked at again.
    RulesNotRevisited = "rules-not-revisited",
    /// An item found by its token is taken, though it belongs to another link.
    TakenAdopted = "taken-adopted",
    /// An item that was gone and has been replaced is not remembered.
    ReplacedForgotten = "replaced-forgotten",
    /// The guard forgets what was deleted a round ago.
    HourForgotten = "hour-forgotten",
    /// What leaves the scope is not counted by the guard.
    PartingUncounted = "parting-uncounted",
    /// A receipt with the number of a write is taken for its receipt.
    NumberIsReceipt = "number-is-receipt",
    /// What a late answer shows keeps a link of its own besides.
    FoundedTwice = "founded-twice",
    /// A server that says that what a token made is gone is asked again with that token.
    SpentTokenKept = "spent-token-kept",
    /// An item that cannot be read when its token is asked for is made again.
    UnreadableMadeAgain = "unreadable-made-again",
    /// Which side has the original of a masked copy is not remembered.
    OriginalForgotten = "original-forgotten",
    /// Our own write that comes back in the feed is a person's edit.
    EchoIsEdit = "echo-is-edit",
    /// An item that the server does not take keeps all others waiting.
    BadItemStopsSide = "bad-item-stops-side",
    /// Conflicts that are to wait are decided by the time of change.
    HoldIgnored = "hold-ignored",
    /// A conflict is won by the side that is not preferred.
    WrongSideWins = "wrong-side-wins",
}

#[cfg(feature = "defects")]
thread_local! {
    static PLANTED: std::cell::Cell<u128> = const { std::cell::Cell::new(0) };
}

/// Whether this defect is planted: never, but in test builds inside of `with`.
#[cfg(not(feature = "defects"))]
#[inline]
pub const fn planted(_: Defect) -> bool {
    false
}

/// Whether this defect is planted: only inside of [`with`].
#[cfg(feature = "defects")]
#[inline]
pub fn planted(defect: Defect) -> bool {
    PLANTED.get() & bit(defect) != 0
}

#[cfg(feature = "defects")]
const fn bit(defect: Defect) -> u128 {
    1 << defect as u32
}

/// Does something with these defects, and no others, on this thread.
#[cfg(feature = "defects")]
pub fn with<T>(defects: impl IntoIterator<Item = Defect>, work: impl FnOnce() -> T) -> T {
    /// Takes them out again, also where the work panics.
    struct Before(u128);
    impl Drop for Before {
        fn drop(&mut self) {
            PLANTED.set(self.0);
        }
    }
    let planted = defects.into_iter().fold(0, |set, defect| set | bit(defect));
    let _before = Before(PLANTED.replace(planted));
    work()
}

#[cfg(all(test, feature = "defects"))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_defect_is_planted_as_long_as_the_work_lasts_and_no_longer() {
        let [one, other] = [Defect::NoJournal, Defect::GuardOff];
        assert!(!planted(one));
        with([one], || {
            assert!(planted(one) && !planted(other));
            with([other], || assert!(!planted(one) && planted(other)));
            assert!(planted(one) && !planted(other));
            std::thread::scope(|scope| scope.spawn(|| assert!(!planted(one))).join()).unwrap();
        });
        assert!(!planted(one) && !planted(other));
    }

    #[test]
    fn each_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        assert_eq!(names.len(), Defect::ALL.len());
        assert!(Defect::ALL.len() <= 128, "one bit each");
        for defect in Defect::ALL {
            assert!(defect.name().bytes().all(|b| b == b'-' || b.is_ascii_lowercase()), "{}", defect.name());
            assert!(defect.says().ends_with('.'), "{}", defect.says());
            assert_eq!(Defect::by_name(defect.name()), Some(*defect));
        }
    }
}
