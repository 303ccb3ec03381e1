//! What people do with whole appointments past every button: see [`whole`](crate::whole).

use super::{State, Stored};

impl Stored {
    pub(in crate::nvs) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::nvs) fn revision(&self) -> u64 {
        self.revision
    }
}

impl State {
    /// What lies in the bin of a unit.
    pub(in crate::nvs) fn binned(&self, unit: &str) -> impl Iterator<Item = (&String, &Stored)> {
        let of_unit = move |stored: &Stored| stored.content.units.iter().any(|of| of == unit);
        self.data
            .bin
            .iter()
            .map(|(id, binned)| (id, &binned.stored))
            .filter(move |(_, stored)| of_unit(stored))
    }

    /// Puts an appointment into its units once more, references and all: a copy under a UID of its own, made now, or
    /// what lies in the bin, as it was before. Gives its id.
    pub(in crate::nvs) fn double(&mut self, unit: &str, id: &str, uid: Option<String>) -> Option<String> {
        let now = self.now();
        let mut stored = if let Some(uid) = uid {
            let mut copy = Stored { uid, ..self.appointment(unit, id)?.clone() };
            copy.created.at = now;
            copy.changed.at = now;
            copy
        } else {
            let binned = self.data.bin.get(id)?;
            Stored { changed: binned.changed.clone(), ..binned.stored.clone() }
        };
        self.data.next_id += 1;
        stored.id = format!("A{:06}", self.data.next_id);
        stored.revision = 1;
        self.log(&stored, &stored.content.units.clone());
        let id = stored.id.clone();
        self.data.appointments.insert(id.clone(), stored);
        Some(id)
    }
}
