//! Exhaustive search of what can happen to one link. There is nothing here but a test binary, see `docs/model.md`:
//! `tests/decision` runs the real round over the real memory store and two small calendars; one link in every state, deeds
//! of people and a crash or a lost answer at every moment; and two processes on one link, under a lease.
