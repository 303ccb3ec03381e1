//! What clients read: server, units, change feed, appointments, bin.

use serde_json::{Value, json};

use super::{Binned, LogEntry, MockUnit, State};
use crate::nvs::problem::Problem;

impl State {
    pub(in crate::nvs) fn server_info(&self) -> Value {
        let mut info = json!({
            "protocol": "1.0",
            "product": "NVS Calender (mock)",
            "version": env!("CARGO_PKG_VERSION"),
            "installation": self.installation,
            "epoch": self.epoch(),
            "time": self.time(),
            "limits": {
                "page": self.limits.page,
                "batch": self.limits.batch,
                "body_bytes": self.limits.body_bytes,
                "key_memory_seconds": 86400,
            },
            "protected_types": self.protected,
        });
        if let (Some(most), Some(limits)) =
            (self.limits.file_bytes, info.get_mut("limits").and_then(Value::as_object_mut))
        {
            limits.insert("file_bytes".to_owned(), json!(most));
            limits.insert("file_memory_seconds".to_owned(), json!(86400));
        }
        info
    }

    fn time(&self) -> String {
        self.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    pub(in crate::nvs) fn unit_page(&self, after: Option<&str>, limit: usize) -> Value {
        let mut units: Vec<&MockUnit> = self
            .data
            .units
            .values()
            .filter(|unit| after.is_none_or(|after| unit.id.as_str() > after))
            .take(limit + 1)
            .collect();
        let more = units.len() > limit;
        units.truncate(limit);
        let mut page = json!({"units": units.iter().map(|unit| unit.to_value()).collect::<Vec<_>>()});
        if let (true, Some(last), Some(map)) = (more, units.last(), page.as_object_mut()) {
            map.insert("next".to_owned(), json!(last.id));
        }
        page
    }

    pub(in crate::nvs) fn unit(&self, id: &str) -> Result<Value, Problem> {
        self.data.units.get(id).map(MockUnit::to_value).ok_or_else(|| Problem::unknown_unit(id))
    }

    pub(in crate::nvs) fn knows_unit(&self, id: &str) -> Result<(), Problem> {
        if self.data.units.contains_key(id) { Ok(()) } else { Err(Problem::unknown_unit(id)) }
    }

    /// One page of the feed of `unit`, or of all units.
    ///
    /// Without a cursor the page begins a listing: everything that is there, by id, and after its last page the log
    /// from where it stood when the listing began, so that nothing that happens meanwhile is missed.
    pub(in crate::nvs) fn changes(
        &self,
        unit: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Value, Problem> {
        if let Some(unit) = unit {
            self.knows_unit(unit)?;
        }
        let scope = unit.unwrap_or("*");
        let cursor = match cursor {
            None => Cursor::Listing { since: self.data.next_entry, after: String::new() },
            Some(text) => {
                let (epoch, of, cursor) = Cursor::read(text)
                    .ok_or_else(|| Problem::bad_request("the cursor is not one of this server"))?;
                if of != scope {
                    return Err(Problem::bad_request("the cursor is of another feed"));
                }
                let (Cursor::Listing { since, .. } | Cursor::Log { since }) = &cursor;
                if epoch != self.epoch || *since < self.expired_before {
                    return Err(Problem::cursor_expired());
                }
                cursor
            }
        };
        let mut entries = Vec::new();
        let (next, more) = match cursor {
            Cursor::Listing { since, after } => {
                let (after_id, after_unit) = after.split_once('\u{1e}').unwrap_or(("", ""));
                let mut present: Vec<(&str, &str, String)> = Vec::new();
                for (id, stored) in self.data.appointments.range(after_id.to_owned()..) {
                    if present.len() > limit {
                        break;
                    }
                    let mut units: Vec<&str> = stored.content.units.iter().map(String::as_str).collect();
                    units.sort_unstable();
                    units.retain(|of| unit.is_none_or(|unit| unit == *of));
                    units.retain(|of| {
                        (id.as_str(), *of) > (after_id, after_unit) && !self.unlisted.contains(id)
                    });
                    present.extend(units.into_iter().map(|of| (id.as_str(), of, stored.revision_text())));
                }
                let more = present.len() > limit;
                present.truncate(limit);
                entries.extend(present.iter().map(|(id, of, revision)| change(unit, of, id, Some(revision))));
                match (more, present.last()) {
                    (true, Some((id, of, _))) => {
                        (Cursor::Listing { since, after: format!("{id}\u{1e}{of}") }, true)
                    }
                    _ => (Cursor::Log { since }, self.log_after(unit, since).next().is_some()),
                }
            }
            Cursor::Log { since } => {
                let page: Vec<&LogEntry> = self.log_after(unit, since).take(limit).collect();
                let reached = page.last().map_or(self.data.next_entry, |last| last.number);
                // Of several entries about one appointment on a page the last one says it all.
                for (index, entry) in page.iter().enumerate() {
                    let repeated = page
                        .iter()
                        .skip(index + 1)
                        .any(|later| later.id == entry.id && later.unit == entry.unit);
                    if !repeated {
                        let revision = (!entry.removed).then_some(entry.revision.as_str());
                        entries.push(change(unit, &entry.unit, &entry.id, revision));
                    }
                }
                let more = self.log_after(unit, reached).next().is_some();
                (Cursor::Log { since: if more { reached } else { self.data.next_entry } }, more)
            }
        };
        Ok(json!({
            "epoch": self.epoch(),
            "time": self.time(),
            "entries": entries,
            "cursor": next.write(self.epoch, scope),
            "more": more,
        }))
    }

    fn log_after<'a>(&'a self, unit: Option<&'a str>, since: u64) -> impl Iterator<Item = &'a LogEntry> {
        let from = self.data.log.partition_point(|entry| entry.number <= since);
        self.data.log.iter().skip(from).filter(move |entry| unit.is_none_or(|unit| entry.unit == unit))
    }

    pub(in crate::nvs) fn read(&self, unit: Option<&str>, ids: &[String]) -> Result<Value, Problem> {
        if let Some(unit) = unit {
            self.knows_unit(unit)?;
        }
        let results: Vec<Value> = ids
            .iter()
            .map(|id| {
                let stored = match unit {
                    Some(unit) => self.appointment(unit, id),
                    None => self.data.appointments.get(id),
                };
                match stored {
                    Some(_) if self.unreadable.contains(id) => {
                        json!({"id": id, "state": "unreadable", "problem": Problem::internal().to_value()})
                    }
                    Some(stored) => json!({"id": id, "state": "present", "appointment": stored.to_value()}),
                    None => json!({"id": id, "state": "absent"}),
                }
            })
            .collect();
        Ok(json!({"epoch": self.epoch(), "results": results}))
    }

    pub(in crate::nvs) fn find(
        &self,
        unit: &str,
        tokens: &[String],
        uids: &[String],
    ) -> Result<Value, Problem> {
        self.knows_unit(unit)?;
        let mut matches = Vec::new();
        for (id, stored) in self.appointments(unit) {
            let revision = stored.revision_text();
            let token = stored.references.get(unit).and_then(|references| references.get("token"));
            if let Some(token) = token.filter(|token| tokens.contains(token)) {
                matches.push(json!({"token": token, "id": id, "revision": revision}));
            }
            if uids.contains(&stored.uid) {
                matches.push(json!({"uid": stored.uid, "id": id, "revision": revision}));
            }
        }
        Ok(json!({"epoch": self.epoch(), "matches": matches}))
    }

    pub(in crate::nvs) fn bin_page(
        &self,
        unit: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Value, Problem> {
        self.knows_unit(unit)?;
        let mut binned: Vec<(&String, &Binned)> = self
            .data
            .bin
            .iter()
            .filter(|(id, binned)| {
                binned.stored.content.units.iter().any(|of| of == unit)
                    && after.is_none_or(|after| id.as_str() > after)
            })
            .take(limit + 1)
            .collect();
        let more = binned.len() > limit;
        binned.truncate(limit);
        let entries: Vec<Value> = binned
            .iter()
            .map(|(_, binned)| json!({"appointment": binned.stored.to_value(), "deleted": binned.deleted.to_value()}))
            .collect();
        let mut page = json!({"entries": entries});
        if let (true, Some((id, _)), Some(map)) = (more, binned.last(), page.as_object_mut()) {
            map.insert("next".to_owned(), json!(id));
        }
        Ok(page)
    }
}

fn change(unit: Option<&str>, of: &str, id: &str, revision: Option<&str>) -> Value {
    let mut entry = json!({"id": id});
    if let Some(map) = entry.as_object_mut() {
        if unit.is_none() {
            map.insert("unit".to_owned(), json!(of));
        }
        match revision {
            Some(revision) => map.insert("revision".to_owned(), json!(revision)),
            None => map.insert("removed".to_owned(), json!(true)),
        };
    }
    entry
}

/// Where a client is in a feed.
enum Cursor {
    Listing { since: u64, after: String },
    Log { since: u64 },
}

impl Cursor {
    fn write(&self, epoch: u64, scope: &str) -> String {
        use base64::Engine as _;
        let text = match self {
            Cursor::Listing { since, after } => {
                format!("{epoch}\u{1f}L\u{1f}{since}\u{1f}{scope}\u{1f}{after}")
            }
            Cursor::Log { since } => format!("{epoch}\u{1f}F\u{1f}{since}\u{1f}{scope}\u{1f}"),
        };
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Option<(u64, String, Cursor)> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.splitn(5, '\u{1f}');
        let epoch = parts.next()?.parse().ok()?;
        let kind = parts.next()?;
        let since = parts.next()?.parse().ok()?;
        let scope = parts.next()?.to_owned();
        let after = parts.next()?.to_owned();
        let cursor = match kind {
            "L" => Cursor::Listing { since, after },
            "F" => Cursor::Log { since },
            _ => return None,
        };
        Some((epoch, scope, cursor))
    }
}
