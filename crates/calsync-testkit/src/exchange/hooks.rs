//! What a test can do to the server itself: order trouble, move its clock, restore it, spoil single items.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jiff::{SignedDuration, Timestamp};

use super::MockExchange;
use super::faults::{Order, Trouble};
use super::server::lock;
use super::world::Mailbox;
use crate::gate::Gate;

/// What a backup of the mailbox databases holds.
#[derive(Debug, Clone)]
pub struct Snapshot(BTreeMap<String, Mailbox>);

impl MockExchange {
    /// Puts a gate in front of the server.
    pub fn set_gate(&self, gate: Arc<dyn Gate>) {
        self.shared.gateway.set(gate);
    }

    /// Orders trouble for the next `times` requests of any operation.
    pub fn trouble(&self, trouble: Trouble, times: u32) {
        self.order(None, trouble, 0, times);
    }

    /// Orders trouble for `times` requests of one operation, such as `CreateItem`, after `pass` of them went well.
    pub fn trouble_for(&self, operation: &str, trouble: Trouble, pass: u32, times: u32) {
        self.order(Some(operation.to_owned()), trouble, pass, times);
    }

    fn order(&self, operation: Option<String>, trouble: Trouble, after: u32, times: u32) {
        if times > 0 {
            lock(&self.shared.orders).push(Order { operation, trouble, after, times });
        }
    }

    /// Takes back all orders.
    pub fn clear_trouble(&self) {
        lock(&self.shared.orders).clear();
    }

    /// Waits this long before each answer.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
    }

    /// Makes every sync state of a mailbox invalid, as a move between databases does.
    pub fn invalidate_sync_states(&self, mailbox: &str) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            mailbox.epoch += 1;
        }
    }

    /// Moves the server's clock against the machine's.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        lock(&self.shared.world).set_clock_offset(offset);
    }

    /// Stops the server's clock at an instant.
    pub fn fix_clock(&self, at: DateTime<Utc>) {
        if let Ok(at) = Timestamp::from_second(at.timestamp()) {
            lock(&self.shared.world).fix_clock(at);
        }
    }

    /// Copies all mailboxes, as a backup does.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(lock(&self.shared.world).mailboxes.clone())
    }

    /// Puts all mailboxes back as they were. Ids and change keys are never used twice, and no sync state given out
    /// so far is valid any more.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut world = lock(&self.shared.world);
        let mut mailboxes = snapshot.0.clone();
        for (address, mailbox) in &mut mailboxes {
            if let Some(now) = world.mailboxes.get(address) {
                mailbox.count_on_from(now);
            }
        }
        world.mailboxes = mailboxes;
    }

    /// Takes a mailbox away and makes an empty one of the same address: the same folders under the same ids, without
    /// anything in them. Rights stay.
    pub fn recreate_mailbox(&self, address: &str) {
        let mut world = lock(&self.shared.world);
        let Some(old) = world.mailbox_mut(address) else { return };
        let mut new = Mailbox::new(&old.address, &old.name, old.zone.clone());
        new.rights = old.rights.clone();
        new.count_on_from(old);
        *old = new;
    }

    /// Moves a mailbox so that each of its items gets another id: what is in them stays, also when they were made, and no
    /// sync state given out so far is valid any more.
    pub fn renumber_items(&self, address: &str) {
        let mut world = lock(&self.shared.world);
        let Some(mailbox) = world.mailbox_mut(address) else { return };
        mailbox.epoch += 1;
        for (_, mut item) in std::mem::take(&mut mailbox.items) {
            item.number = mailbox.number();
            item.change = mailbox.bump();
            mailbox.items.insert(item.number, item);
        }
    }

    /// Makes every access to one item fail with a code, as a damaged item does; `None` heals it. Lists still name it.
    pub fn spoil(&self, mailbox: &str, id: &str, code: Option<&str>) -> bool {
        self.on(mailbox, id, |mailbox, number, _, _| {
            mailbox.items.get_mut(&number).is_some_and(|item| {
                item.spoilt = code.map(str::to_owned);
                true
            })
        })
    }

    /// Whether an account with rights to a mailbox's calendar also sees private items; it does by default.
    pub fn set_sees_private(&self, user: &str, mailbox: &str, sees: bool) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            if sees {
                mailbox.blind_to_private.remove(&user.to_lowercase());
            } else {
                mailbox.blind_to_private.insert(user.to_lowercase());
            }
        }
    }
}
