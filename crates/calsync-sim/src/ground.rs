//! What drives the daemons: nothing but the world, or a runtime where real requests have to be waited for.

use std::task::{Context, Waker};

/// Drives the daemons.
pub trait Ground: Send + Sync {
    /// Polls a daemon until it has got as far as it gets, which `poll` says with `true`, or until the world has to act for
    /// another reason. Whatever else is under way goes on meanwhile.
    fn turn(&self, poll: &mut dyn FnMut(&mut Context<'_>) -> bool);
}

/// A daemon that waits for nothing but the world.
pub(crate) struct Played;

impl Ground for Played {
    fn turn(&self, poll: &mut dyn FnMut(&mut Context<'_>) -> bool) {
        poll(&mut Context::from_waker(Waker::noop()));
    }
}
