//! What an item is as a meeting, for the owner of the calendar.
//!
//! `AppointmentState` and `MyResponseType` are known to every version since Exchange 2007; `IsOrganizer` (2013) says nothing
//! more and is not asked. `IsMeeting` alone is not to be trusted, and the word that Outlook puts in front of the subject of
//! a cancelled meeting is in some language. Nothing of this is ever written: people answer and cancel.

use calsync_core::model::Meeting;
use calsync_core::source::Access;

use crate::wire::{CalendarItem, ResponseType};

/// Bits of `AppointmentState`.
const MEETING: i32 = 1;
const RECEIVED: i32 = 2;
const CANCELLED: i32 = 4;

/// Whether anybody but the owner takes part.
pub(super) fn is_meeting(item: &CalendarItem) -> bool {
    match item.appointment_state {
        Some(state) => state & (MEETING | RECEIVED) != 0,
        None => item.is_meeting == Some(true),
    }
}

/// Whether somebody else called the meeting.
fn is_received(item: &CalendarItem) -> bool {
    match item.appointment_state {
        Some(state) => state & RECEIVED != 0,
        None => {
            is_meeting(item)
                && matches!(
                    item.my_response_type,
                    Some(
                        ResponseType::Accept
                            | ResponseType::Tentative
                            | ResponseType::Decline
                            | ResponseType::NoResponseReceived
                    )
                )
        }
    }
}

/// What it is as a meeting.
///
/// Who is only told, without an answer being wanted, counts as having accepted: no answer will ever come.
pub(super) fn read(item: &CalendarItem) -> Meeting {
    if !is_meeting(item) {
        return Meeting::None;
    }
    if item.is_cancelled == Some(true) || item.appointment_state.is_some_and(|state| state & CANCELLED != 0) {
        return Meeting::Cancelled;
    }
    if !is_received(item) {
        return Meeting::Organised;
    }
    match item.my_response_type {
        Some(ResponseType::Accept) => Meeting::Accepted,
        Some(ResponseType::Tentative) => Meeting::Tentative,
        Some(ResponseType::Decline) => Meeting::Declined,
        _ if item.is_response_requested == Some(false) => Meeting::Accepted,
        _ => Meeting::Unanswered,
    }
}

/// Whether the server said anything about meetings: some leave it out of single occurrences.
pub(super) fn is_said(item: &CalendarItem) -> bool {
    item.appointment_state.is_some() || item.is_meeting.is_some()
}

/// What may be written to it.
pub(super) fn access(item: &CalendarItem) -> Access {
    if item.effective_rights.is_some_and(|rights| !rights.modify) {
        return Access::ReadOnly;
    }
    if is_received(item) { Access::Personal } else { Access::Full }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Limits, decode_answer};

    fn item(fields: &str) -> CalendarItem {
        let text = format!("<CalendarItem><ItemId Id='a' ChangeKey='k'/>{fields}</CalendarItem>");
        decode_answer(text.as_bytes(), &Limits::default()).unwrap().messages.remove(0).items.remove(0)
    }

    fn state(bits: u8, answer: &str) -> Meeting {
        read(&item(&format!(
            "<AppointmentState>{bits}</AppointmentState><MyResponseType>{answer}</MyResponseType>"
        )))
    }

    #[test]
    fn only_what_is_a_received_meeting_is_somebody_elses() {
        let access = |fields: &str| access(&item(fields));
        assert_eq!(access("<AppointmentState>0</AppointmentState>"), Access::Full);
        assert_eq!(access("<AppointmentState>1</AppointmentState>"), Access::Full);
        assert_eq!(access("<AppointmentState>3</AppointmentState>"), Access::Personal);
        assert_eq!(access("<AppointmentState>7</AppointmentState>"), Access::Personal);
        assert_eq!(
            access("<IsMeeting>true</IsMeeting><MyResponseType>Accept</MyResponseType>"),
            Access::Personal
        );
        assert_eq!(access("<EffectiveRights><Modify>false</Modify></EffectiveRights>"), Access::ReadOnly);
    }

    #[test]
    fn bits_and_answer_say_what_a_meeting_is() {
        assert_eq!(state(0, "Organizer"), Meeting::None);
        assert_eq!(state(1, "Organizer"), Meeting::Organised);
        assert_eq!(state(3, "NoResponseReceived"), Meeting::Unanswered);
        assert_eq!(state(3, "Unknown"), Meeting::Unanswered);
        assert_eq!(state(3, "Accept"), Meeting::Accepted);
        assert_eq!(state(3, "Tentative"), Meeting::Tentative);
        assert_eq!(state(3, "Decline"), Meeting::Declined);
        assert_eq!(state(3, "NewInSomeVersion"), Meeting::Unanswered);
        assert_eq!(state(7, "Accept"), Meeting::Cancelled);
        assert_eq!(state(5, "Organizer"), Meeting::Cancelled);
    }

    #[test]
    fn without_the_bits_the_other_fields_decide() {
        let meeting = |fields: &str| read(&item(fields));
        assert_eq!(meeting("<IsMeeting>false</IsMeeting>"), Meeting::None);
        assert_eq!(
            meeting("<IsMeeting>true</IsMeeting><MyResponseType>Organizer</MyResponseType>"),
            Meeting::Organised
        );
        assert_eq!(
            meeting("<IsMeeting>true</IsMeeting><MyResponseType>Tentative</MyResponseType>"),
            Meeting::Tentative
        );
        assert_eq!(meeting("<IsMeeting>true</IsMeeting><IsCancelled>true</IsCancelled>"), Meeting::Cancelled);
    }

    #[test]
    fn who_is_not_asked_for_an_answer_has_accepted() {
        let meeting = read(&item(
            "<AppointmentState>3</AppointmentState><IsResponseRequested>false</IsResponseRequested>\
             <MyResponseType>NoResponseReceived</MyResponseType>",
        ));
        assert_eq!(meeting, Meeting::Accepted);
    }
}
